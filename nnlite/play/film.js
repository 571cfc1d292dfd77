// The training film: one line after more and more steps of training, beside the loss.

const film = data.film;
byId("film").hidden = byId("film-link").hidden = !film;

function showFilm() {
  const { frames, losses } = film;
  const last = frames[frames.length - 1][0];
  const log = (step) => Math.log10(step + 1);
  const top = Math.max(...losses.map(([, loss]) => loss), Math.log(characters.length));
  byId("frame-at").max = frames.length - 1;
  let rolling = null;
  const rows = frames.map(([step, line], n) => {
    const row = element("tr", {}, element("th", { scope: "row" }, step.toLocaleString("en")), element("td", {}, line));
    row.onclick = () => {
      halt();
      go(n);
    };
    return row;
  });
  byId("frames").tBodies[0].replaceChildren(...rows);
  const drawFrame = (n) => {
    const [step] = frames[n];
    rows.forEach((row, k) => {
      row.className = k === n ? "now" : "";
    });
    const before = losses.filter(([at]) => at <= step).pop();
    const loss = before ? before[1] : Math.log(characters.length);
    byId("curve").replaceChildren(
      chart({
        label: `The training loss: ${digits(loss)} after ${step} steps`,
        curves: [{ className: "own", points: losses.map(([at, value]) => [log(at), value]) }],
        axes: { x: [0, log(last)], y: [0, Math.ceil(top)] },
        ticks: {
          y: Array.from({ length: Math.ceil(top) + 1 }, (_, n) => [n, String(n)]),
          x: [0, 1, 10, 100, 1000, 10000, 100000]
            .filter((at) => at <= last)
            .map((at) => [log(at), at ? at.toLocaleString("en") : "0"]),
        },
        marks: [[log(step), loss]],
      }),
    );
  };
  const frameSlider = slider(
    "frame-at",
    (n) => `after ${frames[n][0].toLocaleString("en")} steps of training`,
    (n) => {
      halt();
      drawFrame(n);
    },
  );
  const halt = () => {
    clearInterval(rolling);
    rolling = null;
    byId("roll").textContent = "Play";
  };
  const go = (n) => {
    byId("frame-at").value = n;
    frameSlider.show();
    drawFrame(n);
  };
  byId("roll").onclick = () => {
    if (rolling) return halt();
    byId("roll").textContent = "Stop";
    let n = Number(byId("frame-at").value) === frames.length - 1 ? 0 : Number(byId("frame-at").value);
    go(n);
    rolling = setInterval(() => (++n < frames.length ? go(n) : halt()), 700);
  };
  go(frames.length - 1);
}
if (film) showFilm();

// The last file: the page begins.

readColours();
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  readColours();
  redraw();
});
makeBars();
for (const make of remade) make();
byId("about").textContent = data.about;
byId("typed").value = data.text;
type(data.text);

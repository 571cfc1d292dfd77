// The last file: the page begins.

readColours();
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { readColours(); redraw(); });
makeBars();
for (const make of remade) make();
byId("about").textContent = data.about;
byId("cells-lead").textContent =
  "An LSTM's cells are what it remembers. Some can be read: such as one that counts the characters of a line. That a cell " +
  "goes along with something does not prove that the model uses it. To find out, hold the cell at one value: the poem is " +
  "written again, from the same line and with the same random numbers.";
byId("typed").value = data.text;
type(data.text);

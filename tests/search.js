// What the search box of the built pages answers, by Sphinx's own code: node search.js HTML QUESTION...
// prints a JSON list for each question: the pages that are found, best first.
const fs = require("fs"), vm = require("vm"), [folder, ...questions] = process.argv.slice(2);
const read = (name) => fs.readFileSync(`${folder}/${name}`, "utf-8");
const page = vm.createContext({
  _ready: () => {}, _: (text) => text, SPHINX_HIGHLIGHT_ENABLED: false,
  document: { getElementById: () => null, addEventListener: (_, ready) => (page.ready = ready) },
});
page.window = page;
for (const name of ["_static/language_data.js", "_static/searchtools.js", "_static/search.js", "searchindex.js"])
  vm.runInContext(read(name), page);
page.ready();
for (const question of questions) {
  page.question = question;
  const found = vm.runInContext("Search._performSearch(...Search._parseQuery(question))", page);
  console.log(JSON.stringify(found.reverse().map(([name, title, anchor]) => [name, title, name + anchor])));
}

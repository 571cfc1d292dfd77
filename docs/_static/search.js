// The search box. Sphinx finds pages that have all words of a question, and headings that are written like it. Students ask
// in whole sentences, so here
// - words count by how rare they are, and a page or a heading by the words that it has, even if it lacks some;
// - a heading leads to its section, and a page shows two of them at most;
// - "what", "how" and the like are no part of a name;
// - of equal pages a guide comes before the reference, and this before a record.
function answerSentences(Search, Scorer) {
  Object.assign(Scorer, { title: 15, objNameMatch: 13, objPartialMatch: 4, objPrio: {} });
  const HEADING = 8; // at most, for words anywhere in a page's headings: long pages have many
  const ignored = new Set(stopwords);
  const place = (name) => (/^(decisions|architecture)/.test(name) ? -2 : /^(reference|index)/.test(name) ? 0 : 1);
  Scorer.score = ([name, , , , score]) => score + place(name);

  const parse = Search._parseQuery;
  Search._parseQuery = (question) => {
    const [query, words, excluded, highlighted, names] = parse(question);
    const named = [...names].filter((name) => !ignored.has(name));
    return [query, words, excluded, highlighted, named.length ? new Set(named) : names];
  };

  const withAllWords = Search.performTermsSearch;
  const known = new Map();
  const pagesWith = (word) => {
    if (!known.has(word)) known.set(word, withAllWords(new Set([word]), new Set()));
    return known.get(word);
  };
  const weight = (word) => Math.log(1 + Search._index.docnames.length / (pagesWith(word).length || Infinity));
  const weights = (words) => [...words].reduce((sum, word) => sum + weight(word), 0);

  const stems = (text) => {
    const words = splitQuery(text.toLowerCase()).filter((word) => !ignored.has(word));
    return new Set(words.map((word) => new Stemmer().stemWord(word)));
  };

  const headings = (words) => {
    const { alltitles, docnames, filenames, titles } = Search._index;
    return Object.entries(alltitles).flatMap(([title, places]) => {
      const own = stems(title);
      const shared = [...own].filter((word) => words.has(word));
      const score = (2 * Scorer.title * weights(shared)) / (weights(own) + weights(words));
      if (!(2 * score >= Scorer.title)) return [];
      return places.map(([file, id]) => {
        const page = titles[file] === title;
        const shown = page ? title : `${titles[file]} > ${title}`;
        const address = [docnames[file], shown, page || id === null ? "" : `#${id}`];
        return [...address, null, score + 2 * page, filenames[file], "title"]; // what a whole page is about
      });
    });
  };

  const pages = (words) => {
    const found = new Map();
    for (const word of words)
      for (const result of pagesWith(word)) {
        const page = found.get(result[0]) ?? { result, has: 0, score: 0 };
        page.has += weight(word);
        page.score += (weight(word) * Math.min(result[4], HEADING)) / weights(words);
        found.set(result[0], page);
      }
    const good = [...found.values()].filter((page) => 2 * page.has >= weights(words));
    return good.map(({ result, score }) => [...result.slice(0, 4), score, ...result.slice(5)]);
  };

  Search.performTermsSearch = (words) => {
    const found = headings(words);
    const there = new Set(found.map(([name]) => name));
    return [...found, ...pages(words).filter(([name]) => !there.has(name))];
  };

  const search = Search._performSearch;
  Search._performSearch = (...query) => {
    const shown = new Set(), counts = new Map();
    const best = search(...query).reverse(); // they come with the best one last
    const kept = best.filter(([name, , anchor, , , , kind]) => {
      if (shown.has(name + anchor)) return false;
      shown.add(name + anchor);
      counts.set(name, (counts.get(name) ?? 0) + 1);
      return kind === "object" || counts.get(name) <= 2;
    });
    return kept.reverse();
  };
}

document.addEventListener("DOMContentLoaded", () => {
  if (typeof Search !== "undefined") answerSentences(Search, Scorer);
});

// Drawing the next character: what nnlite.sample does, with the random numbers of numpy.random.default_rng(seed).

// The logits, with -Infinity for characters that top_k and top_p exclude. Of equals the first are kept.
function likeliest(logits, { temperature, topK, topP }) {
  if (temperature === 0) return logits;
  const order = [...logits.keys()].sort((a, b) => logits[b] - logits[a] || a - b);
  let keep = Math.min(topK, order.length);
  if (topP < 1) {
    const p = softmax(order.slice(0, keep).map((v) => logits[v]), temperature);
    let total = p[0], least = 1;
    while (least < p.length && total < topP) total += p[least++];
    keep = least;
  }
  const kept = new Set(order.slice(0, keep));
  return logits.map((logit, v) => (kept.has(v) ? logit : -Infinity));
}

function probabilities(logits, choice) {
  const reshaped = likeliest(logits, choice);
  if (choice.temperature > 0) return softmax(reshaped, choice.temperature);
  const top = reshaped.indexOf(Math.max(...reshaped));
  return reshaped.map((_, v) => Number(v === top));
}

// How unsure a choice is, in nats: 0 if it is certain, ln V between V equally likely characters.
const entropy = (p) => p.reduce((total, q) => total - (q > 0 ? q * Math.log(q) : 0), 0);

// The first v with p_0 + ... + p_v > u.
function draw(logits, choice, u) {
  const p = probabilities(logits, choice);
  let total = 0, chosen = 0;
  for (let v = 0; v < p.length; v++) {
    if (p[v] === 0) continue;
    total += p[v];
    chosen = v;
    if (total > u) break;
  }
  return chosen;
}

// PCG64 as numpy.random.default_rng(seed) starts it: so a seed writes here what `nnlite sample --seed` writes.
// Source: O'Neill, PCG: a family of simple fast space-efficient statistically good algorithms, 2014; its seeding:
// O'Neill, Developing a seed_seq alternative, 2015.
function uniformsOf(seed) {
  const word = 0xffffffff, wide = (1n << 128n) - 1n;
  const pool = [seed >>> 0, Math.floor(seed / 2 ** 32) >>> 0, 0, 0];
  let constant = 0x43b0d7e5;
  const hash = (value) => {
    value ^= constant;
    constant = Math.imul(constant, 0x931e8875);
    value = Math.imul(value, constant);
    return value ^ (value >>> 16);
  };
  const mix = (x, y) => {
    const mixed = Math.imul(0xca01f9dd, x) - Math.imul(0x4973f715, y);
    return mixed ^ ((mixed & word) >>> 16);
  };
  for (let i = 0; i < 4; i++) pool[i] = hash(pool[i]);
  for (let from = 0; from < 4; from++)
    for (let to = 0; to < 4; to++) if (from !== to) pool[to] = mix(pool[to], hash(pool[from]));
  constant = 0x8b51f9dd;
  const words = Array.from({ length: 8 }, (_, i) => {
    let value = pool[i % 4] ^ constant;
    constant = Math.imul(constant, 0x58f38ded);
    value = Math.imul(value, constant);
    return BigInt((value ^ (value >>> 16)) >>> 0);
  });
  const long = (i) => words[i] | (words[i + 1] << 32n);
  const increment = (((long(4) << 64n) | long(6)) << 1n) | 1n;
  let state = 0n;
  const advance = () => (state = (state * 0x2360ed051fc65da44385df649fccf645n + increment) & wide);
  advance();
  state += (long(0) << 64n) | long(2);
  advance();
  return () => {
    advance();
    const folded = BigInt.asUintN(64, (state >> 64n) ^ state), turn = state >> 122n;
    const bits = BigInt.asUintN(64, (folded >> turn) | (folded << (64n - turn)));
    return Number(bits >> 11n) / 2 ** 53;
  };
}

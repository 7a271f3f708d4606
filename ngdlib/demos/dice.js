// Random numbers that Python and JavaScript draw alike: see dice.py.

/** n numbers in (0, 1): x → 16807 x mod 2³¹ − 1, exact in doubles. */
const uniforms = (seed, n) => Array.from({ length: n }, () => (seed = (16807 * seed) % 2147483647) / 2147483647);
/** n standard normal numbers, n even. */
const normals = (seed, n) => {
  const u = uniforms(seed, n), found = [];
  for (let k = 0; k < n; k += 2) {
    const r = Math.sqrt(-2 * Math.log(u[k])), turn = 2 * Math.PI * u[k + 1];
    found.push(r * Math.cos(turn), r * Math.sin(turn));
  }
  return found;
};

// The five charts of the Gaussian N(μ, σ), put before a demo that uses them. Base chart: (μ, σ).
// to, from: the map to the base and back; B: the Jacobian of the base coordinates in the chart's own;
// inside: whether numbers are a point of the chart; window: what a drawing shows of it.
const GAUSSIAN_CHARTS = {
  "mu, sigma": { names: ["μ", "σ"], inside: ([, s]) => s > 0, to: t => t, from: b => b, B: () => [[1, 0], [0, 1]], window: [[-3, 3], [0, 3]] },
  "mu, sigma^2": { names: ["μ", "σ²"], inside: ([, v]) => v > 0, to: ([m, v]) => [m, Math.sqrt(v)], from: ([m, s]) => [m, s * s],
    B: ([, s]) => [[1, 0], [0, 1 / (2 * s)]], window: [[-3, 3], [0, 6]] },
  "mu, log sigma": { names: ["μ", "log σ"], inside: ([, l]) => Math.abs(l) < 300, to: ([m, l]) => [m, Math.exp(l)], from: ([m, s]) => [m, Math.log(s)],
    B: ([, s]) => [[1, 0], [0, s]], window: [[-3, 3], [-1.5, 1.5]] },
  natural: { names: ["μ/σ²", "−1/(2σ²)"], inside: ([, e]) => e < 0, to: ([a, e]) => [-a / (2 * e), Math.sqrt(-1 / (2 * e))], from: ([m, s]) => [m / s ** 2, -1 / (2 * s * s)],
    B: ([m, s]) => [[s * s, 2 * m * s * s], [0, s ** 3]], window: [[-5, 5], [-2.5, 0]] },
  expectation: { names: ["E x", "E x²"], inside: ([a, b]) => b > a * a, to: ([a, b]) => [a, Math.sqrt(b - a * a)], from: ([m, s]) => [m, m * m + s * s],
    B: ([m, s]) => [[1, 0], [-m / s, 1 / (2 * s)]], window: [[-3, 3], [0, 6]] },
};

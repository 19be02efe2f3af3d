// p_G against p_data, the best discriminator and the value of the game, without a kernel.
// The formulas are notebook 02's; tests/site/test_explorers.py compares them with SciPy.
"use strict";

const LOG_2 = Math.log(2);
const softplus = (logit) => Math.max(logit, 0) + Math.log1p(Math.exp(-Math.abs(logit)));
const WORLDS = {
  one: [[0, 1]], // mean and standard deviation of each bell, all of equal weight
  two: [[-1.5, 0.6], [2, 0.8]],
};

const game = {
  STEP: 0.02, // of the sums that stand for integrals
  REACH: 30, // they run from -REACH to REACH

  logNormal(x, mean, deviation) {
    const z = (x - mean) / deviation;
    return -0.5 * z * z - Math.log(deviation * Math.sqrt(2 * Math.PI));
  },

  // log p_data: of a sum, so the largest term is taken out first.
  logData(x, world) {
    const terms = WORLDS[world].map(([m, d]) => this.logNormal(x, m, d));
    const top = Math.max(...terms);
    const sum = terms.reduce((total, term) => total + Math.exp(term - top), 0);
    return top + Math.log(sum / terms.length);
  },

  // What there is to know about one place x.
  at(x, world, mu, sigma) {
    const [p, q] = [this.logData(x, world), this.logNormal(x, mu, sigma)];
    const logit = p - q;
    return { p: Math.exp(p), q: Math.exp(q), logit, best: 1 / (1 + Math.exp(-logit)) };
  },

  // V(D*, G), and the Jensen-Shannon divergence from its definition; both in nats.
  play(world, mu, sigma) {
    let [value, divergence] = [0, 0];
    for (let n = -this.REACH / this.STEP; n <= this.REACH / this.STEP; n++) {
      const { p, q, logit } = this.at(n * this.STEP, world, mu, sigma);
      value -= p * softplus(-logit) + q * softplus(logit);
      if (p > 0) divergence += (p * Math.log((2 * p) / (p + q))) / 2;
      if (q > 0) divergence += (q * Math.log((2 * q) / (p + q))) / 2;
    }
    return { value: value * this.STEP, divergence: divergence * this.STEP };
  },
};

// A panel of 360×200 with its axes; `x` and `y` turn numbers into places.
const [LEFT, RIGHT, TOP, BOTTOM] = [44, 352, 10, 164];

function panel([x0, x1], [y0, y1], labels) {
  const x = (v) => LEFT + ((v - x0) / (x1 - x0)) * (RIGHT - LEFT);
  const y = (v) => BOTTOM - ((v - y0) / (y1 - y0)) * (BOTTOM - TOP);
  const text = (px, py, said, how) => `<text x="${px}" y="${py}" ${how}>${said}</text>`;
  let axes = `<path class="axis" d="M${LEFT} ${TOP}V${BOTTOM}H${RIGHT}"/>`;
  for (const v of labels.x)
    axes += text(x(v), BOTTOM + 15, String(v).replace("-", "−"), 'text-anchor="middle"');
  for (const [v, said] of labels.y) axes += text(LEFT - 5, y(v) + 4, said, 'text-anchor="end"');
  axes += text((LEFT + RIGHT) / 2, BOTTOM + 32, labels.name, 'text-anchor="middle"');
  return { x, y, axes, text };
}

const curve = (points) => `M${points.map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`).join("L")}`;
const number = (v, digits) => v.toFixed(digits).replace(/^-(?=0\.?0*$)/, "").replace("-", "−");

function startDensities(page) {
  const find = (name) => page.querySelector(`[name=${name}]`);
  const places = Array.from({ length: 201 }, (_, n) => -5 + 0.06 * n); // x, to be drawn
  const shifts = Array.from({ length: 61 }, (_, n) => -5 + (10 * n) / 60); // of G
  let kept = { key: "" }; // V against mu changes with the other two settings alone

  function show(name, drawn, about) {
    const box = page.querySelector(`figure.${name} div`);
    box.innerHTML = `<svg viewBox="0 0 360 200" role="img" aria-label="${about}">${drawn}</svg>`;
  }

  function drawDensities({ world, mu, sigma, x: probe }) {
    const all = places.map((x) => [x, game.at(x, world, mu, sigma)]);
    const ticks = { x: [-4, -2, 0, 2, 4, 6], y: [[0, "0"], [0.5, "0.5"], [1, "1"]], name: "x" };
    const one = panel([-5, 7], [0, 1], ticks);
    const outline = (what) => curve(all.map(([x, v]) => [one.x(x), one.y(Math.min(v[what], 1.04))]));
    const floor = `L${RIGHT} ${BOTTOM}L${LEFT} ${BOTTOM}Z`;
    const line = `<path class="probe" d="M${one.x(probe)} ${TOP}V${BOTTOM}"/>`;
    const names =
      one.text(RIGHT - 4, TOP + 12, "p data", 'class="real" text-anchor="end"') +
      one.text(RIGHT - 4, TOP + 29, "p G", 'class="fake" text-anchor="end"');
    show(
      "densities",
      one.axes + line + names +
        `<path class="area real" d="${outline("p")}${floor}"/>` +
        `<path class="area fake" d="${outline("q")}${floor}"/>`,
      `The densities of the data and of the generator, which stands at ${number(mu, 1)}`,
    );
    const two = panel([-5, 7], [0, 1], ticks);
    const here = game.at(probe, world, mu, sigma);
    const half = `<path class="half" d="M${LEFT} ${two.y(0.5)}H${RIGHT}"/>`;
    const judge = curve(all.map(([x, v]) => [two.x(x), two.y(v.best)]));
    const dot = `<circle class="judge" cx="${two.x(probe)}" cy="${two.y(here.best)}" r="5"/>`;
    show(
      "best",
      two.axes + half + line + `<path class="curve judge" d="${judge}"/>` + dot,
      `The best discriminator's answer; at x = ${number(probe, 1)} it is ${number(here.best, 2)}`,
    );
    return here;
  }

  function drawValue({ world, mu, sigma }, { value, divergence }) {
    const key = `${world} ${sigma}`;
    if (kept.key !== key)
      kept = { key, values: shifts.map((shift) => game.play(world, shift, sigma).value) };
    const low = -2 * LOG_2;
    const labels = [[0, "0"], [-0.5, "−0.5"], [-1, "−1"], [low, "−log 4"]];
    const three = panel([-5, 5], [-1.5, 0.05], { x: [-4, -2, 0, 2, 4], y: labels, name: "μ, the place of G" });
    const floor = `<path class="half" d="M${LEFT} ${three.y(low)}H${RIGHT}"/>`;
    const line = curve(shifts.map((shift, n) => [three.x(shift), three.y(kept.values[n])]));
    const dot = `<circle class="fake" cx="${three.x(mu)}" cy="${three.y(value)}" r="6"/>`;
    show(
      "value",
      three.axes + floor + `<path class="curve" d="${line}"/>` + dot,
      `V against the place of G; at ${number(mu, 1)} it is ${number(value, 3)}`,
    );
    page.querySelector(".formula").textContent =
      `V(D*, G) = ${number(value, 3)} = 2 · ${number(divergence, 3)} − log 4`;
    page.querySelector("[data-bar]").value = divergence;
    page.querySelector("[data-bar]").textContent = number(divergence, 3);
    page.querySelector(".divergence").textContent = number(divergence, 3);
  }

  function draw() {
    for (const name of ["mu", "sigma", "x"]) {
      const output = find(name).parentElement.querySelector("output");
      output.textContent = number(+find(name).value, 1);
    }
    const world = page.querySelector("[name=world]:checked").value;
    const chosen = { world, mu: +find("mu").value, sigma: +find("sigma").value, x: +find("x").value };
    const here = drawDensities(chosen);
    drawValue(chosen, game.play(world, chosen.mu, chosen.sigma));
    page.querySelector(".said").textContent =
      `At x = ${number(chosen.x, 1)} the data have the density ${number(here.p, 3)} and the ` +
      `generator ${number(here.q, 3)}. The best D says ${number(here.best, 3)}; ` +
      `its logit is ${number(here.logit, 2)}.`;
  }

  page.addEventListener("input", draw);
  draw();
}

if (typeof document !== "undefined")
  document.querySelectorAll(".explorer.densities").forEach(startDensities);

// A walk between four digits, without a kernel: tools/latent_sheets.py has drawn every
// stop of it beforehand, and written down what a classifier reads there (digits.js).
"use strict";

function startLatent(page) {
  const find = (name) => page.querySelector(`[name=${name}]`);
  const [map, digit] = [page.querySelector(".map"), page.querySelector(".digit")];
  const folder = page.dataset.folder;
  const last = LATENT.side - 1;
  find("across").max = find("down").max = last;

  function draw() {
    const sheet = LATENT.sheets[+page.querySelector("[name=sheet]:checked").value];
    const [across, down] = [+find("across").value, +find("down").value];
    const stop = down * LATENT.side + across;
    const percents = [across, down].map((n) => Math.round((100 * n) / last));
    const picture = `url("${folder}${sheet.picture}")`;
    map.style.backgroundImage = digit.style.backgroundImage = picture;
    digit.style.backgroundPosition = percents.map((n) => `${n}%`).join(" ");
    digit.style.backgroundSize = `${100 * LATENT.side}%`;
    const mark = map.firstElementChild;
    mark.style.width = mark.style.height = `${100 / LATENT.side}%`;
    mark.style.left = `${(100 * across) / LATENT.side}%`;
    mark.style.top = `${(100 * down) / LATENT.side}%`;
    const read = sheet.digits[stop];
    const sure = sheet.percent[stop];
    const corners = [0, last, last * LATENT.side, LATENT.side ** 2 - 1].map((n) => sheet.digits[n]);
    const where = `${percents[0]} % to the right, ${percents[1]} % down`;
    digit.setAttribute("aria-label", `A generated digit that reads as a ${read}`);
    map.setAttribute(
      "aria-label",
      `${LATENT.side} by ${LATENT.side} generated digits between a ${corners.join(", a ")}; ` +
        `the marked one is ${where}`,
    );
    page.querySelector(".said").textContent =
      `${where}. The classifier reads a ${read}, and gives it ${sure} %.`;
    find("across").parentElement.querySelector("output").textContent = `${percents[0]} %`;
    find("down").parentElement.querySelector("output").textContent = `${percents[1]} %`;
  }

  page.addEventListener("input", draw);
  function point(event) {
    const box = map.getBoundingClientRect();
    const stop = (at, start, length) =>
      Math.min(last, Math.max(0, Math.floor(((at - start) / length) * LATENT.side)));
    find("across").value = stop(event.clientX, box.left, box.width);
    find("down").value = stop(event.clientY, box.top, box.height);
    draw();
  }
  map.addEventListener("pointerdown", point);
  map.addEventListener("pointermove", (event) => event.buttons && point(event));
  draw();
}

if (typeof document !== "undefined")
  document.querySelectorAll(".explorer.latent").forEach(startLatent);

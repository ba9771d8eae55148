
"use strict";
// Adds to a page that reads as well without it: choosing variants and severities, finding SLOs,
// sorting tables, and the values under the pointer. It loads nothing and writes text only as text.
(() => {
  const main = document.querySelector("main");
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const make = (name, attributes = {}, ...children) => {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.append(...children);
    return element;
  };
  const names = all("#answer .card").map((card) => card.querySelector("h2").textContent);
  const hiddenVariants = new Set();
  const hiddenSeverities = new Set();
  let sought = "";

  // What belongs to no variant that is shown is hidden.
  const isOff = (element) => {
    const variants = element.dataset.variants;
    const off = variants !== undefined && variants.split(" ").every((v) => hiddenVariants.has(v));
    return off || hiddenSeverities.has(element.dataset.severity);
  };
  const show = () => {
    for (const element of all("[data-variants]:not(.band), [data-severity]")) {
      if (element instanceof SVGElement) element.classList.toggle("off", isOff(element));
      else element.hidden = isOff(element);
    }
    for (const element of all("svg .off")) element.setAttribute("display", "none");
    for (const element of all("svg [display]:not(.off)")) element.removeAttribute("display");
    const first = names.findIndex((_, number) => !hiddenVariants.has(String(number)));
    for (const band of all(".band")) {
      const severity = ["page", "ticket", "info"].find((word) => band.classList.contains(word));
      const on = band.dataset.variants === String(first) && !hiddenSeverities.has(severity);
      band.classList.toggle("on", on);
    }
    for (const severity of ["page", "ticket", "info"]) {
      const off = hiddenSeverities.has(severity);
      for (const drawn of all(`.alert.${severity}, .threshold.${severity}`)) {
        const gone = off || (drawn.dataset.variants !== undefined && isOff(drawn));
        if (gone) drawn.setAttribute("display", "none");
        else drawn.removeAttribute("display");
      }
    }
    const words = sought.toLowerCase().split(/\s+/).filter(Boolean);
    for (const element of all("[data-slo]")) {
      const text = element.dataset.slo.toLowerCase();
      element.hidden = !words.every((word) => text.includes(word));
    }
    const found = document.querySelector(".found");
    if (found) {
      const rows = all("#slo-table tbody tr[data-slo]");
      const left = rows.filter((row) => !row.hidden).length;
      found.textContent = words.length ? `${left} of ${rows.length}` : "";
    }
  };

  const choices = (legend, options, chosen) => {
    const set = make("fieldset", {}, make("legend", {}, legend));
    for (const [key, name] of options) {
      const box = make("input", { type: "checkbox", checked: "" });
      box.addEventListener("change", () => {
        if (box.checked) chosen.delete(key);
        else chosen.add(key);
        show();
      });
      set.append(make("label", {}, box, name));
    }
    return set;
  };
  const bar = make("div", { class: "bar", role: "group", "aria-label": "What is shown" });
  if (names.length > 1) {
    bar.append(choices("Variants", names.map((name, number) => [String(number), name]), hiddenVariants));
  }
  bar.append(choices("Alerts", [["page", "pages"], ["ticket", "tickets"], ["info", "notices"]], hiddenSeverities));
  if (all("section.slo").length > 1) {
    const box = make("input", { type: "search", placeholder: "Find an SLO", "aria-label": "Find an SLO" });
    box.addEventListener("input", () => {
      sought = box.value;
      show();
    });
    bar.append(make("label", {}, box, make("span", { class: "found", "aria-live": "polite" })));
    const fold = make("button", { type: "button" }, "Unfold all");
    fold.addEventListener("click", () => {
      const folded = all("section.slo > details").some((details) => !details.open);
      for (const details of all("section.slo > details")) details.open = folded;
      fold.textContent = folded ? "Fold all" : "Unfold all";
    });
    bar.append(fold);
  }
  document.querySelector("#controls").append(bar);

  // Tables are sorted by the column whose head is pressed, first upwards.
  const columns = (table) => {
    const grid = [];
    [...table.tHead.rows].forEach((row, y) => {
      let x = 0;
      for (const cell of row.cells) {
        while (grid[y]?.[x]) x += 1;
        for (let dy = 0; dy < cell.rowSpan; dy += 1) {
          for (let dx = 0; dx < cell.colSpan; dx += 1) (grid[y + dy] ??= [])[x + dx] = cell;
        }
        x += cell.colSpan;
      }
    });
    return grid.at(-1) ?? [];
  };
  const cellAt = (row, column) => {
    let x = 0;
    for (const cell of row.cells) {
      if (column < x + cell.colSpan) return cell;
      x += cell.colSpan;
    }
    return null;
  };
  const keyOf = (cell) => {
    const text = cell?.dataset.v ?? cell?.textContent.trim() ?? "";
    const number = parseFloat(text.replace(/,/g, ""));
    return Number.isNaN(number) || /^[^-\d.]/.test(text) ? text.toLowerCase() : number;
  };
  const compare = (a, b) => {
    if (typeof a === "number" && typeof b === "number") return a - b;
    if (typeof a === typeof b) return a < b ? -1 : a > b ? 1 : 0;
    return typeof a === "number" ? 1 : -1;
  };
  for (const table of all("table.sortable")) {
    const heads = columns(table);
    heads.forEach((head, column) => {
      if (head.classList.contains("nosort") || head.colSpan > 1) return;
      const button = make("button", { type: "button" }, ...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const up = head.getAttribute("aria-sort") !== "ascending";
        for (const other of heads) other.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", up ? "ascending" : "descending");
        const rows = [...table.tBodies[0].rows];
        const keyed = rows.map((row) => [keyOf(cellAt(row, column)), row]);
        keyed.sort((a, b) => (up ? 1 : -1) * compare(a[0], b[0]));
        table.tBodies[0].append(...keyed.map(([, row]) => row));
      });
    });
  }

  // The values under the pointer are read back from the lines themselves.
  const zone = main.dataset.zone;
  const format = (() => {
    const form = { weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
    try {
      return new Intl.DateTimeFormat("en-GB", { ...form, timeZone: zone });
    } catch {
      return new Intl.DateTimeFormat("en-GB", { ...form, timeZone: "UTC" });
    }
  })();
  // Path data are absolute moves and relative steps; a list of runs of [x, y].
  const read = (data) => {
    const runs = [];
    let x = 0;
    let y = 0;
    for (const [, command, text] of data.matchAll(/([Mlhv])([^Mlhv]*)/g)) {
      const numbers = (text.match(/-?\d+/g) ?? []).map(Number);
      const step = command === "M" || command === "l" ? 2 : 1;
      for (let at = 0; at < numbers.length; at += step) {
        if (command === "M") {
          [x, y] = [numbers[at], numbers[at + 1]];
          runs.push([]);
        } else if (command === "h") x += numbers[at];
        else if (command === "v") y += numbers[at];
        else {
          x += numbers[at];
          y += numbers[at + 1];
        }
        runs.at(-1).push([x, y]);
      }
    }
    return runs;
  };
  // The row of a line at a column: of several the highest, between two the way from one to the other.
  const rowAt = (runs, column, isWorse) => {
    for (const run of runs) {
      if (column < run[0][0] - 0.5 || column > run.at(-1)[0] + 0.5) continue;
      const here = run.filter(([x]) => Math.abs(x - column) <= 0.5).map(([, y]) => y);
      if (here.length) return here.reduce(isWorse);
      const after = run.findIndex(([x]) => x > column);
      const [[x0, y0], [x1, y1]] = [run[after - 1], run[after]];
      return y0 + ((y1 - y0) * (column - x0)) / (x1 - x0);
    }
    return null;
  };
  const valueOf = (plot, row) => {
    const [low, high] = [Number(plot.dataset.low), Number(plot.dataset.high)];
    const share = 1 - row / 1000;
    if (plot.dataset.kind === "budget") return `${((low + share * (high - low)) * 100).toFixed(1)}%`;
    if (share <= 0) return `≤${low}×`;
    const burn = low * Math.exp(share * Math.log(high / low));
    return `${burn >= 100 ? burn.toFixed(0) : burn.toPrecision(3)}×`;
  };
  const lines = new WeakMap();
  const linesOf = (plot) => {
    if (!lines.has(plot)) {
      lines.set(plot, all("path.curve", plot).map((path) => [path, read(path.getAttribute("d"))]));
    }
    return lines.get(plot);
  };
  const SVG = "http://www.w3.org/2000/svg";
  const tell = (panels, share) => {
    const plots = all("svg.plot", panels);
    const [from, to] = [Number(plots[0].dataset.from), Number(plots[0].dataset.to)];
    const parts = [make("b", {}, `${format.format(from + share * (to - from))} ${zone}`)];
    for (const plot of plots) {
      const cross = plot.querySelector(".cross") ?? plot.appendChild(document.createElementNS(SVG, "line"));
      cross.setAttribute("class", "cross");
      cross.setAttribute("y2", "100%");
      for (const end of ["x1", "x2"]) cross.setAttribute(end, `${share * 100}%`);
      const isWorse = plot.dataset.kind === "budget" ? Math.max : Math.min;
      for (const [path, runs] of plot.dataset.kind === "alerts" ? [] : linesOf(plot)) {
        const variants = path.dataset.variants.split(" ");
        if (variants.every((variant) => hiddenVariants.has(variant))) continue;
        const row = rowAt(runs, share * Number(plot.dataset.columns), (a, b) => isWorse(a, b));
        if (row === null) continue;
        const shared = variants.length === names.length;
        const whose = shared ? "" : ` (${variants.map((variant) => names[variant]).join(", ")})`;
        parts.push(make("span", {}, `${path.dataset.name}${whose} `, make("b", {}, valueOf(plot, row))));
      }
    }
    const width = plots.at(-1).getBoundingClientRect().width;
    for (const alert of all(".timeline .alert", panels)) {
      const [x, breadth] = ["x", "width"].map((key) => parseFloat(alert.getAttribute(key)));
      const near = 100 * (2 / width);
      if (alert.getAttribute("display") === "none" || alert.closest("[display=none]")) continue;
      if (share * 100 >= x - near && share * 100 <= x + breadth + near) {
        parts.push(make("span", {}, `up: ${alert.querySelector("title").textContent}`));
      }
    }
    panels.querySelector(".readout").replaceChildren(...parts.slice(0, 12));
  };
  for (const panels of all(".panels")) {
    const hint = "Point at the charts, or use the arrow keys, to read values.";
    panels.append(make("div", { class: "readout", "aria-live": "polite" }, hint));
    panels.setAttribute("tabindex", "0");
    panels.setAttribute("role", "group");
    panels.setAttribute("aria-label", "Charts; the arrow keys move along time");
    let share = 0;
    panels.addEventListener("pointermove", (event) => {
      const box = panels.querySelector("svg.plot").getBoundingClientRect();
      share = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
      tell(panels, share);
    });
    panels.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (step === undefined) return;
      event.preventDefault();
      share = Math.min(1, Math.max(0, share + (step * (event.shiftKey ? 10 : 1)) / 720));
      tell(panels, share);
    });
  }

  // A link leads into a folded section, and paper has no folds.
  const unfold = () => {
    const target = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
    const details = target && target.querySelector(":scope > details");
    if (details) {
      details.open = true;
      target.scrollIntoView();
    }
  };
  addEventListener("hashchange", unfold);
  addEventListener("beforeprint", () => {
    for (const details of all("section.slo > details")) details.open = true;
  });
  unfold();
})();

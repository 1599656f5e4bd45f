// Trace a number: cells that name their variants become buttons that show the runs behind them.
document.addEventListener("DOMContentLoaded", () => {
  const blocks = [...document.querySelectorAll("script.mer-traces")];
  if (!blocks.length) return;
  const known = {};
  for (const block of blocks) {
    const data = JSON.parse(block.textContent);
    for (const [name, variant] of Object.entries(data.variants)) known[name] = { data, variant };
  }
  const make = (tag, text, parent, more = {}) => {
    const node = Object.assign(document.createElement(tag), more);
    if (text !== undefined) node.textContent = text;
    return parent ? parent.appendChild(node) : node;
  };
  const dialog = make("dialog", undefined, document.body, { className: "mer-dialog" });
  dialog.addEventListener("keydown", event => { if (event.key === "Escape") dialog.close(); });

  for (const cell of document.querySelectorAll('td[class*="mer-t-"]')) {
    const names = [...cell.classList].filter(c => c.startsWith("mer-t-")).map(c => c.slice(6));
    const found = names.map(name => known[name]).filter(Boolean);
    if (!found.length) continue;
    const value = cell.textContent.trim();
    const button = make("button", value, undefined, { type: "button", className: "mer-number" });
    button.setAttribute("aria-haspopup", "dialog");
    button.title = "The runs behind this number";
    button.addEventListener("click", () => show(value, found));
    cell.replaceChildren(button);
  }

  function show(value, found) {
    dialog.replaceChildren();
    const head = make("h2", value, dialog, { id: "mer-dialog-title" });
    dialog.setAttribute("aria-labelledby", head.id);
    if (found.length > 1) make("p", "A difference of two scores, the first minus the second.", dialog);
    found.forEach(one => dialog.append(...described(one)));
    const close = make("button", "Close", dialog, { type: "button", className: "mer-close" });
    close.addEventListener("click", () => dialog.close());
    dialog.showModal();
    dialog.scrollTop = 0;
  }

  function described({ data, variant }) {
    const part = make("section");
    make("h3", variant.title, part);
    const said = Object.entries(variant.specification).map(([k, v]) => `${k}: ${v}`);
    make("p", said.join("; ") + ".", part);
    const runs = make("ul", undefined, part);
    for (const run of variant.runs) {
      const item = make("li", `seed ${run.seed}, ${run.folds} folds, key `, runs);
      make("code", run.key, item);
      make("br", undefined, item);
      item.append(`computed with ${data.environments[run.environment]}`);
    }
    make("p", "To compute just this anew, beside what is there:", part);
    make("pre", variant.command, part).tabIndex = 0;
    const rows = csv(data, variant);
    const fold = make("details", undefined, part);
    make("summary", `Its ${rows.length - 1} predictions`, fold);
    make("pre", rows.join("\n"), fold).tabIndex = 0;
    const file = new Blob([rows.join("\n") + "\n"], { type: "text/csv" });
    const link = make("a", "Save them as CSV", part, { download: "predictions.csv" });
    link.href = URL.createObjectURL(file);
    return [part];
  }

  function csv(data, variant) {
    const rows = ["dataset,run,seed,subject,clip,y_true,y_pred"];
    for (const run of variant.runs)
      data.clips[variant.dataset].forEach(([subject, clip, truth], at) => {
        const digit = run.predicted[at];
        if (digit !== ".")
          rows.push([variant.dataset, run.key, run.seed, subject, clip, truth, parseInt(digit, 36)].join(","));
      });
    return rows;
  }
});

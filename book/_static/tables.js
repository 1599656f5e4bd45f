// What is wider than its place: a table is laid out row by row, each value beside its heading.
document.addEventListener("DOMContentLoaded", () => {
  const roles = { TABLE: "table", THEAD: "rowgroup", TBODY: "rowgroup", TR: "row", TH: "columnheader", TD: "cell" };
  const tables = [...document.querySelectorAll(".bd-article .wide table")].filter(table => {
    const heads = table.querySelectorAll("thead tr:last-child th");
    if (!heads.length || table.querySelector("[colspan]:not([colspan='1']), [rowspan]:not([rowspan='1'])")) return false;
    for (const row of table.querySelectorAll("tbody tr"))
      [...row.cells].forEach((cell, at) => { cell.dataset.label = heads[at] ? heads[at].textContent.trim() : ""; });
    // As blocks its parts would lose what they are.
    for (const node of [table, ...table.querySelectorAll("thead, tbody, tr, th, td")])
      if (!node.hasAttribute("role")) node.setAttribute("role", roles[node.tagName]);
    return true;
  });
  const fit = () => tables.forEach(table => {
    const box = table.closest(".wide");
    table.classList.remove("stacked");
    if (box.clientWidth && box.scrollWidth > box.clientWidth + 1) table.classList.add("stacked");
  });
  fit();
  addEventListener("resize", fit);
  document.addEventListener("toggle", fit, true);

  // The keyboard reaches a code box as soon as it scrolls; the theme looks only a while after the
  // window was resized, and a box may narrow alone.
  const reach = new ResizeObserver(boxes => boxes.forEach(({ target }) => {
    target.tabIndex = target.scrollWidth > target.clientWidth || target.scrollHeight > target.clientHeight ? 0 : -1;
  }));
  document.querySelectorAll("pre").forEach(box => reach.observe(box));
});

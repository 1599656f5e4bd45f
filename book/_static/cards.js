// Hover cards: what a link to a term, source, figure, table or equation leads to, beside the link.
document.addEventListener("DOMContentLoaded", () => {
  // A link to what is folded, or to a section with folds of its own, opens them.
  const unfold = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    const place = target.matches("span:empty") ? target.parentElement : target;  // a label's mark
    const folds = [...place.querySelectorAll(":scope > details")];
    for (let node = target; node; node = node.parentElement)
      if (node.tagName === "DETAILS") folds.push(node);
    folds.forEach(fold => { fold.open = true; });
    if (folds.length) target.scrollIntoView();
  };
  unfold();
  addEventListener("hashchange", unfold);

  const card = document.body.appendChild(document.createElement("div"));
  Object.assign(card, { id: "mer-card", className: "mer-card", hidden: true });
  card.setAttribute("role", "tooltip");
  let link = null, timer = 0;

  function content(anchor) {
    const id = decodeURIComponent(anchor.hash.slice(1));
    const stored = document.querySelector(`template[data-card="${CSS.escape(id)}"]`);
    if (stored) return stored.content.cloneNode(true);
    if (anchor.dataset.source) return document.createTextNode(anchor.dataset.source);
    if (anchor.pathname !== location.pathname) return null;
    const target = document.getElementById(id);
    const shown = target && target.closest("figure, div.math, table");
    if (!shown) return null;
    const copy = shown.cloneNode(true);
    for (const node of [copy, ...copy.querySelectorAll("[id]")]) node.removeAttribute("id");
    copy.querySelectorAll(".headerlink, button").forEach(node => node.remove());
    return copy;
  }

  function show(anchor) {
    clearTimeout(timer);
    if (anchor === link) return;
    hide();
    const inside = content(anchor);
    if (!inside) return;
    card.replaceChildren(inside);
    card.hidden = false;
    link = anchor;
    link.setAttribute("aria-describedby", card.id);
    const at = anchor.getClientRects()[0], width = document.documentElement.clientWidth;
    card.style.left = `${scrollX + Math.max(8, Math.min(at.left, width - card.offsetWidth - 8))}px`;
    const above = at.top > card.offsetHeight + 8 && at.bottom + card.offsetHeight > innerHeight;
    card.style.top = `${scrollY + (above ? at.top - card.offsetHeight - 4 : at.bottom + 4)}px`;
  }
  function hide() {
    clearTimeout(timer);
    if (link) link.removeAttribute("aria-describedby");
    link = null;
    card.hidden = true;
  }
  const later = () => { clearTimeout(timer); timer = setTimeout(hide, 250); };

  for (const anchor of document.querySelectorAll('.bd-article a.reference.internal[href*="#"]')) {
    if (anchor.title) {  // a citation, whose words the browser would show to the mouse alone
      anchor.dataset.source = anchor.title;
      anchor.removeAttribute("title");
    }
    anchor.addEventListener("mouseenter", () => { clearTimeout(timer); timer = setTimeout(show, 150, anchor); });
    anchor.addEventListener("mouseleave", later);
    anchor.addEventListener("focus", () => show(anchor));
    anchor.addEventListener("blur", hide);
  }
  card.addEventListener("mouseenter", () => clearTimeout(timer));
  card.addEventListener("mouseleave", later);
  document.addEventListener("keydown", event => { if (event.key === "Escape") hide(); });
});

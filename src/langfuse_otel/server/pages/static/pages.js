// The trace page: shows the selected observation only, moves in the tree by keyboard, folds branches.
// Without this script all observations are shown one below the other, and the tree's links lead to them.
"use strict";

(() => {
  const columns = document.querySelector("main.trace .columns");
  if (!columns) return;
  const rows = [...columns.querySelectorAll("[role=treeitem]")];
  const panes = new Map([...columns.querySelectorAll("[data-observation]")].map((pane) => [pane.dataset.observation, pane]));
  const KEYED = { focus: true, remember: true };
  const level = (row) => Number(row.getAttribute("aria-level"));

  const select = (row, { focus = false, remember = false } = {}) => {
    for (const other of rows) {
      const isSelected = other === row;
      other.setAttribute("aria-selected", String(isSelected));
      other.tabIndex = isSelected ? 0 : -1;
    }
    for (const [id, pane] of panes) pane.hidden = id !== row.dataset.id;
    if (focus) row.focus({ preventScroll: true });
    row.scrollIntoView({ block: "nearest" });
    if (remember) history.replaceState(null, "", row.hash);
  };

  const below = (row) => {
    const start = rows.indexOf(row) + 1;
    const end = rows.findIndex((other, index) => index >= start && level(other) <= level(row));
    return rows.slice(start, end < 0 ? rows.length : end);
  };

  const fold = (row, isOpen) => {
    row.setAttribute("aria-expanded", String(isOpen));
    let closedAt = Infinity; // branches that were folded before stay folded
    for (const other of below(row)) {
      if (level(other) <= closedAt) closedAt = Infinity;
      other.parentElement.hidden = !isOpen || closedAt < Infinity;
      if (!isOpen && other.getAttribute("aria-selected") === "true") open(row, KEYED);
      if (closedAt === Infinity && other.getAttribute("aria-expanded") === "false") closedAt = level(other);
    }
  };

  const open = (row, options) => (panes.has(row.dataset.id) ? select(row, options) : location.replace(row.href));

  const linked = () => {
    try {
      const id = decodeURIComponent(location.hash).replace(/^#obs-/, "");
      return rows.find((row) => location.hash && row.dataset.id === id);
    } catch {
      return undefined; // not an address that we made
    }
  };

  const keys = {
    ArrowDown: (shown, index) => open(shown[Math.min(index + 1, shown.length - 1)], KEYED),
    ArrowUp: (shown, index) => open(shown[Math.max(index - 1, 0)], KEYED),
    Home: (shown) => open(shown[0], KEYED),
    End: (shown) => open(shown[shown.length - 1], KEYED),
    ArrowLeft: (shown, index) => {
      const row = shown[index];
      if (row.getAttribute("aria-expanded") === "true") return fold(row, false);
      const parent = shown.slice(0, index).reverse().find((other) => level(other) < level(row));
      if (parent) open(parent, KEYED);
    },
    ArrowRight: (shown, index) => {
      if (shown[index].getAttribute("aria-expanded") === "false") fold(shown[index], true);
    },
  };

  columns.querySelector(".tree").addEventListener("keydown", (event) => {
    const shown = rows.filter((row) => !row.parentElement.hidden);
    const index = shown.indexOf(event.target.closest("[role=treeitem]"));
    if (index < 0 || !(event.key in keys) || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    keys[event.key](shown, index);
  });

  columns.querySelector(".tree").addEventListener("click", (event) => {
    const row = event.target.closest("[role=treeitem]");
    if (!row || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const isFold = event.target.closest(".fold") !== null;
    if (!isFold && !panes.has(row.dataset.id)) return; // a large trace: the server sends one pane a page
    event.preventDefault();
    if (isFold) return fold(row, row.getAttribute("aria-expanded") === "false");
    select(row, KEYED);
    if (getComputedStyle(columns).gridTemplateColumns.split(" ").length === 1) {
      panes.get(row.dataset.id).scrollIntoView({ block: "start" }); // one column: the pane is further down
    }
  });

  for (const row of rows) if (row.querySelector(".fold")) row.setAttribute("aria-expanded", "true");
  addEventListener("hashchange", () => linked() && open(linked()));

  const first = linked() || rows.find((row) => row.dataset.id === columns.dataset.selected);
  if (first) open(first);
})();

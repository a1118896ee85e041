// The wall: follows all nodes, keeps a tile for each in its place, and says when it can't be believed.

import { Detail } from "./detail.js";
import { follow } from "./feed.js";
import { Kiosk } from "./kiosk.js";
import { Tile, compare, isBad, isWell, kind, rank } from "./tile.js";

// More than this, and those that are well are drawn small.
const MANY = 32;
// For all parts of the whole to come.
const PARTS = 400;
const CHIPS = [
  ["notready", "not ready"], ["unknown", "unknown"], ["failed", "failed"], ["pressure", "under pressure"],
  ["deleting", "deleting"], ["pending", "pending"], ["unready", "unready"], ["updating", "updating"],
  ["cordoned", "cordoned"], ["running", "running"], ["idle", "without work"], ["dim", "light trouble"], ["held", "held"],
];
const $ = (id) => document.getElementById(id);
const root = document.documentElement;
const time = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium" });
const asked = new URLSearchParams(location.search);

const tiles = new Map();
// The tiles of each section, in order.
const order = { eyes: [], well: [] };
const chosen = new Set((asked.get("state") ?? "").split(",").filter(Boolean));
const find = $("find").querySelector("input");
find.value = asked.get("q") ?? "";

// Of what was known, what isn't yet among all there is.
let missing = new Set();
let sweep = 0;
let edition = null;
let live = false;
let told = false;
let why = "";
let vouching = {};
let asOf = null;

const kiosk = asked.has("kiosk") ? new Kiosk($("nodes")) : null;
const detail = new Detail($("detail"));

follow({
  hello(terms) {
    // Another watcher than this page came from, with another page.
    if (edition && edition !== terms.edition) location.reload();
    edition = terms.edition;
    detail.acts = terms.actions;
  },
  news(message) {
    live = true;
    vouching = message.vouching ?? {};
    take(message);
    told = true;
  },
  heard() {
    if (live && vouching.fresh) asOf = new Date();
    stand();
  },
  cut(reason) {
    live = false;
    why = reason;
    clearTimeout(sweep);
    stand();
  },
});

function take({ whole, nodes = [], gone = [] }) {
  if (whole) {
    missing = new Set(tiles.keys());
    clearTimeout(sweep);
    // A large cluster comes in parts, one right after the other.
    sweep = setTimeout(() => take({ gone: [...missing] }), PARTS);
  }
  nodes.forEach((node) => missing.delete(node.name));
  gone.forEach(drop);
  const focused = document.activeElement;
  const turned = [];
  for (const node of nodes) {
    const tile = tiles.get(node.name);
    if (told && !whole && isBad(node) && !(tile && rank(tile.node) >= rank(node))) turned.push(node);
    if (tile) unplace(tile), tile.show(node);
    else tiles.set(node.name, new Tile(node));
  }
  place(nodes.map((node) => tiles.get(node.name)));
  if (focused !== document.activeElement && focused?.isConnected) focused.focus({ preventScroll: true });
  root.classList.toggle("dense", tiles.size > MANY);
  announce(turned);
  tally();
  sift();
  detail.learn(nodes, gone);
}

function drop(name) {
  const tile = tiles.get(name);
  if (!tile) return;
  unplace(tile);
  tile.item.remove();
  tiles.delete(name);
}

function unplace(tile) {
  const list = order[tile.section];
  list.splice(list.indexOf(tile), 1);
}

// Puts tiles that are in no section where they belong. Those that stay where they are aren't touched.
function place(some) {
  for (const tile of some.sort(compare)) {
    tile.section = isWell(tile.node) ? "well" : "eyes";
    const list = order[tile.section];
    let [from, to] = [0, list.length];
    while (from < to) {
      const middle = (from + to) >> 1;
      if (compare(list[middle], tile) < 0) from = middle + 1;
      else to = middle;
    }
    list.splice(from, 0, tile);
  }
  const moved = new Set(some);
  for (const section of ["eyes", "well"]) {
    const ul = $(section).querySelector("ul");
    // From the end, so that what each comes before is in its place.
    let next = null;
    for (let i = order[section].length - 1; i >= 0; i -= 1) {
      const tile = order[section][i];
      const { item } = tile;
      if (moved.has(tile) && (item.parentElement !== ul || item.nextElementSibling !== next)) ul.insertBefore(item, next);
      next = item;
    }
  }
}

function announce(turned) {
  if (!turned.length) return;
  const some = turned.sort((a, b) => rank(b) - rank(a)).slice(0, 3);
  const more = turned.length > 3 ? ` And ${turned.length - 3} more.` : "";
  $("news").textContent = some.map((node) => `${node.name} is ${kind(node.verdict)[2]}: ${node.reason?.text ?? ""}.`).join(" ") + more;
}

function tally() {
  const counts = {};
  let bad = 0;
  for (const { groups, node } of tiles.values()) {
    for (const group of groups) counts[group] = (counts[group] ?? 0) + 1;
    bad += isBad(node);
  }
  for (const [group, label] of CHIPS) {
    let chip = $(`chip-${group}`);
    if (!chip) {
      chip = Object.assign(document.createElement("button"), { id: `chip-${group}`, type: "button", className: `chip ${group}` });
      chip.append(document.createElement("b"), ` ${label}`);
      chip.onclick = () => {
        if (!chosen.delete(group)) chosen.add(group);
        tally();
        sift();
        remember();
      };
      $("chips").append(chip);
    }
    chip.firstChild.textContent = counts[group] ?? 0;
    chip.setAttribute("aria-pressed", chosen.has(group));
    chip.hidden = !counts[group] && !chosen.has(group);
  }
  $("chips").dataset.bad = bad;
}

// Shows what is looked for.
function sift() {
  const wanted = find.value.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const section of ["eyes", "well"]) {
    let here = 0;
    for (const { item, text, groups } of order[section]) {
      const fits = wanted.every((word) => text.includes(word))
        && (!chosen.size || groups.some((group) => chosen.has(group)));
      if (item.hidden === fits) item.hidden = !fits;
      here += fits;
    }
    $(section).hidden = !here;
    const all = order[section].length;
    $(section).querySelector(".count").textContent = here === all ? all : `${here} of ${all}`;
    shown += here;
  }
  $("nothing").hidden = shown > 0 || !told;
  $("nothing").textContent = tiles.size ? `None of ${tiles.size} nodes is what you look for.` : "The cluster has no nodes.";
  kiosk?.fit();
}

function remember() {
  const url = new URL(location);
  const set = (key, value) => (value ? url.searchParams.set(key, value) : url.searchParams.delete(key));
  set("q", find.value);
  set("state", [...chosen].join());
  history.replaceState(null, "", url);
}

// Says whether what shows is so.
function stand() {
  const clock = asOf ? time.format(asOf) : "";
  const old = told && !(live && vouching.fresh);
  const doubt = live ? "The watcher doesn’t hear the Kubernetes API." : why;
  root.classList.toggle("old", old);
  root.classList.toggle("live", live && !old);
  text($("when"), old ? `as of ${clock || "?"}` : live ? clock : why || "connecting");
  const cut = $("cut");
  const sign = old ? `Cut off: all this is as of ${clock || "an unknown time"}.` : "";
  if (cut.dataset.sign !== sign + doubt) {
    cut.dataset.sign = sign + doubt;
    cut.replaceChildren(sign, Object.assign(document.createElement("small"), { textContent: `${doubt} Trying again.` }));
    cut.hidden = !old;
  }
  const leader = vouching.leader ? `; ${vouching.leader} leads` : "";
  const note = vouching.leads || !live ? "" : `This watcher stands by${leader}. Only the one that leads knows the lights.`;
  text($("note"), note);
  $("note").hidden = !note;
  const bad = Number($("chips").dataset.bad);
  document.title = `${old ? "cut off · " : bad ? `(${bad}) ` : ""}podlight`;
  detail.doubt(sign);
}

function text(el, text) {
  if (el.textContent !== text) el.textContent = text;
}

find.addEventListener("input", () => {
  sift();
  remember();
});
$("nodes").addEventListener("click", (event) => {
  const tile = event.target.closest?.(".tile");
  if (tile) detail.open(tile.tile.node);
});
addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || $("detail").open) return;
  if (event.key === "/" && document.activeElement !== find) {
    event.preventDefault();
    find.focus();
  } else if (event.key === "Escape" && document.activeElement === find) {
    find.value = "";
    sift();
    remember();
    find.blur();
  } else if (document.activeElement?.matches(".tile")) {
    step(event);
  }
});

// By the arrows from tile to tile, as they lie on the screen.
function step(event) {
  const all = [...document.querySelectorAll("main li:not([hidden]) > .tile")];
  const from = document.activeElement;
  const at = all.indexOf(from);
  const box = from.getBoundingClientRect();
  const below = (sign) => {
    const rows = all.filter((tile) => sign * (tile.getBoundingClientRect().top - box.top) > 4);
    const near = (tile) => {
      const { top, left } = tile.getBoundingClientRect();
      return sign * (top - box.top) * 1000 + Math.abs(left - box.left);
    };
    return rows.reduce((best, tile) => (!best || near(tile) < near(best) ? tile : best), null);
  };
  const ways = {
    ArrowRight: () => all[at + 1], ArrowLeft: () => all[at - 1], ArrowDown: () => below(1), ArrowUp: () => below(-1),
    Home: () => all[0], End: () => all.at(-1),
  };
  const to = ways[event.key]?.();
  if (to) {
    event.preventDefault();
    to.focus();
  }
}

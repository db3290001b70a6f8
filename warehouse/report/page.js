// Draws the pictures whose specifications the page holds, once they are seen; a search and a locale that is
// chosen leave some rows of the tables, and some marks of the pictures.
const views = {};
const placesOf = {};
const search = document.getElementById("search");
const place = document.getElementById("place");
const told = document.getElementById("found");
const rows = [...document.querySelectorAll("tbody tr")];

async function draw(holder) {
  const on = document.getElementById(`picture-${holder.dataset.picture}`);
  if (holder.dataset.picture in views || on.offsetParent === null) return;
  views[holder.dataset.picture] = null;
  const spec = JSON.parse(holder.textContent);
  const drawn = Object.values(spec.datasets ?? {}).flat();
  placesOf[holder.dataset.picture] = new Set(drawn.map((row) => row.locale).filter(Boolean));
  const options = { ast: true, renderer: "svg", actions: false };
  const result = await vegaEmbed(on, spec, options);
  views[holder.dataset.picture] = result.view;
  focus(holder.dataset.picture);
}

// A picture that has nothing of the locale that is chosen is not shown.
function focus(name) {
  const without = place.value && placesOf[name].size > 0 && !placesOf[name].has(place.value);
  document.getElementById(`picture-${name}`).hidden = without;
  if (!without) views[name]?.signal("place", place.value).run();
}

function drawAll() {
  return Promise.all([...document.querySelectorAll("script[type='application/json']")].map(draw));
}

function belongs(part) {
  if (!place.value) return !("more" in part.dataset);
  return (part.dataset.place ?? place.value) === place.value;
}

function sift() {
  const sought = search.value.trim().toLowerCase();
  const candidates = rows.filter(belongs);
  for (const row of rows) row.hidden = !belongs(row) || !row.textContent.toLowerCase().includes(sought);
  const found = candidates.filter((row) => !row.hidden).length;
  told.textContent = sought ? `${found} of ${candidates.length} rows` : "";
}

// On a phone the questions below are closed; a link, a search and a locale that is chosen open them.
const parts = [...document.querySelectorAll("details.part")];
if (matchMedia("(max-width: 48rem)").matches) for (const part of parts) part.open = false;
for (const part of parts) part.addEventListener("toggle", drawAll);

function openAll() {
  for (const part of parts) part.open = true;
}

for (const link of document.querySelectorAll("nav a")) {
  link.addEventListener("click", () => (document.querySelector(link.hash).open = true));
}

addEventListener("beforeprint", openAll);

search.addEventListener("input", () => {
  openAll();
  sift();
  views.map?.signal("sought", search.value.trim().toLowerCase()).run();
});

place.addEventListener("change", () => {
  openAll();
  sift();
  for (const part of document.querySelectorAll("section.launch")) part.hidden = !belongs(part);
  for (const name of Object.keys(views)) focus(name);
  drawAll();
});

drawAll().then(() => (document.documentElement.dataset.drawn = Object.keys(views).length));

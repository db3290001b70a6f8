// Draws the pictures whose specifications the page holds, and searches: tables and the map.
const views = {};
const drawn = [...document.querySelectorAll("script[type='application/json']")].map(async (holder) => {
  const place = document.getElementById(`picture-${holder.dataset.picture}`);
  const options = { ast: true, renderer: "svg", actions: false };
  const result = await vegaEmbed(place, JSON.parse(holder.textContent), options);
  views[holder.dataset.picture] = result.view;
});

const search = document.getElementById("search");
const told = document.getElementById("found");
const rows = [...document.querySelectorAll("tbody tr")];
search.addEventListener("input", () => {
  const sought = search.value.trim().toLowerCase();
  let found = 0;
  for (const row of rows) {
    row.hidden = !row.textContent.toLowerCase().includes(sought);
    found += row.hidden ? 0 : 1;
  }
  told.textContent = sought ? `${found} of ${rows.length} rows` : "";
  views.map?.signal("sought", sought).run();
});

Promise.all(drawn).then(() => (document.documentElement.dataset.drawn = drawn.length));

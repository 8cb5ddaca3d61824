// How the parts come together: the theme, links to experiments, and following a running campaign.

const THEMES = ["as the system", "light", "dark"];

function startTheme() {
  const button = byId("theme");
  let chosen = 0;
  try {
    chosen = Math.max(0, THEMES.indexOf(localStorage.getItem("autoloop-theme")));
  } catch {
    /* no storage for this file */
  }
  const show = () => {
    if (chosen) document.documentElement.dataset.theme = THEMES[chosen];
    else delete document.documentElement.dataset.theme;
    button.textContent = `Theme: ${THEMES[chosen]}`;
    if (chart.plot) drawChart();
  };
  button.addEventListener("click", () => {
    chosen = (chosen + 1) % THEMES.length;
    try {
      localStorage.setItem("autoloop-theme", THEMES[chosen]);
    } catch {
      /* as above */
    }
    show();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", show);
  show();
}

function openLinked() {
  const number = Number(location.hash.slice(1));
  if (/^#\d+$/.test(location.hash) && places.has(number) && number !== panel.number)
    openDetails(number);
}

// A page from a file may not fetch, but it may load a script that lies beside it: with the nonce
// that this page was written with, and from nowhere else.
const follow = { again: 2000, heard: false, last: -1 };

function listen() {
  const script = element("script", {
    src: `${encodeURIComponent(facts.live)}?${Date.now()}`,
    nonce: facts.nonce,
  });
  const next = () => {
    script.remove();
    if (facts.live) setTimeout(listen, follow.again);
  };
  script.addEventListener("load", next);
  script.addEventListener("error", () => {
    script.remove();
    // It goes away with the campaign's end, when the page is complete by itself.
    if (follow.heard) location.reload();
    else {
      facts.live = "";
      byId("state").className = "";
      byId("state").textContent = "not followed: reload the page to see what is new";
    }
  });
  document.body.append(script);
}

window.autoloopNews = (news) => {
  follow.heard = true;
  if (news.revision === follow.last) return;
  follow.last = news.revision;
  const before = rows.length;
  if (news.page !== facts.page || !takeIn(news)) {
    location.reload();
    return;
  }
  if (rows.length === before) return;
  fillCampaign();
  refreshChart();
  refreshTable();
};

async function start() {
  startTheme();
  await readRows();
  fillCampaign();
  startChart();
  startTable();
  openLinked();
  addEventListener("hashchange", openLinked);
  addEventListener("keydown", (event) => {
    if (event.key === "Escape") closeDetails();
  });
  if (facts.live) listen();
  document.documentElement.dataset.ready = "true";
}

start().catch((error) => {
  document
    .querySelector("main")
    .prepend(element("p", { class: "notice", role: "alert" }, error.message));
});

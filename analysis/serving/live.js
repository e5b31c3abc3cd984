// A served page asks now and then whether there is a newer one, and puts that in its place: what
// is being read stays where it is, and what was opened stays open.
(() => {
  const EVERY = 5000;  // ms
  const TRIES = 3;  // failures in a row after which nobody serves the page any more
  let version = document.currentScript.dataset.version, failed = 0;

  const headings = () => [...document.querySelectorAll("h2")];
  // elements of a kind by the heading of their section and their number in it
  const places = kind => {
    const found = new Map(), counts = {};
    for (const one of document.querySelectorAll(kind)) {
      const under = one.closest("section")?.querySelector("h2")?.textContent ?? "";
      counts[under] = (counts[under] ?? 0) + 1;
      found.set(`${under} ${counts[under]}`, one);
    }
    return found;
  };

  const renew = text => {
    const fresh = new DOMParser().parseFromString(text, "text/html");
    const read = headings().filter(one => one.getBoundingClientRect().top < 1).pop();
    const [name, top, y] = [read?.textContent, read?.getBoundingClientRect().top, scrollY];
    const open = places("details"), boxes = new Map();
    for (const [key, box] of places(".scroll")) boxes.set(key, [box.scrollLeft, box.scrollTop]);
    document.title = fresh.title;
    document.body.replaceWith(document.adoptNode(fresh.body));
    for (const [key, one] of places("details")) one.open = open.get(key)?.open ?? one.open;
    for (const [key, box] of places(".scroll")) box.scrollTo(...(boxes.get(key) ?? [0, 0]));
    const same = headings().find(one => one.textContent === name);
    if (same) scrollBy(0, same.getBoundingClientRect().top - top);
    else scrollTo(0, y);
  };

  const ask = async method => {
    const reply = await fetch(location.pathname, {method, cache: "no-store"});
    if (!reply.ok || !reply.headers.get("etag")) throw new Error(reply.status);
    return reply;
  };

  const look = async () => {
    try {
      const now = (await ask("HEAD")).headers.get("etag");
      // not under a reader who selects text
      if (now !== version && getSelection().isCollapsed) {
        const reply = await ask("GET");
        renew(await reply.text());
        version = reply.headers.get("etag");
      }
      failed = 0;
    } catch {
      failed += 1;
    }
    if (failed < TRIES) setTimeout(next, EVERY);
    else gone();
  };

  const next = () => {
    if (!document.hidden) look();
    else document.addEventListener("visibilitychange", next, {once: true});
  };

  const gone = () => {
    const line = document.createElement("p");
    line.className = "gone";
    line.setAttribute("role", "status");
    document.body.append(line);
    line.textContent = "This page is no longer renewed: the command that served it has ended.";
  };

  setTimeout(next, EVERY);
})();

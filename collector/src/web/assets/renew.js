// Renews what is inside <main> every 15 seconds, and shows the warning when that fails. Waits while
// somebody types or walks the page by keyboard.
setInterval(async () => {
  const live = document.getElementById("live");
  if (document.hidden || live.contains(document.activeElement)) return;
  const offline = document.querySelector(".offline");
  try {
    const answer = await fetch(location.href, { signal: AbortSignal.timeout(10000) });
    if (!answer.ok) throw new Error(answer.status);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    live.replaceWith(page.getElementById("live"));
    document.title = page.title;
    offline.hidden = true;
  } catch {
    offline.hidden = false;
  }
}, 15000);

// Renews what is inside <main>, and says when that fails or has to wait. What somebody types or picks
// in the search form, and has not searched for yet, is not taken away.
const shown = (id, is) => { document.getElementById(id).hidden = !is; };

const searching = (form) => {
  const asked = new URLSearchParams(location.search);
  const differs = ([name, value]) => value.trim() !== (asked.get(name) ?? "").trim();
  // The list of a <select> may be open: nobody can see whether it is.
  return form !== null && (document.activeElement?.matches("select") || [...new FormData(form)].some(differs));
};

// Puts the new content in place of the old; whoever walks the page by keyboard stays where they are.
const replace = (live, renewed) => {
  const focus = live.contains(document.activeElement) ? document.activeElement : null;
  const [name, link] = [focus?.getAttribute("name"), focus?.getAttribute("href")];
  const caret = name ? [focus.selectionStart, focus.selectionEnd] : [];
  live.replaceWith(renewed);
  const same = [...renewed.querySelectorAll("a, button, input")].find((element) =>
    element.localName === focus?.localName && element.getAttribute("name") === name && element.getAttribute("href") === link);
  if (focus) same?.focus({ preventScroll: true });
  if (same && caret[0] != null) same.setSelectionRange(...caret);
};

const renew = async () => {
  const live = document.getElementById("live");
  const waits = searching(live.querySelector("form"));
  shown("waiting", waits);
  if (document.hidden || waits) return;
  let answer, text;
  try {
    answer = await fetch(location.href, { signal: AbortSignal.timeout(10000) });
    text = await answer.text();
  } catch {
    shown("unreachable", true);
    shown("failing", false);
    return;
  }
  // Gone, such as a revoked device: the page itself says so.
  if (answer.status === 404) return location.reload();
  shown("unreachable", false);
  shown("failing", !answer.ok);
  if (!answer.ok || searching(live.querySelector("form"))) return;
  const page = new DOMParser().parseFromString(text, "text/html");
  replace(live, page.getElementById("live"));
  document.title = page.title;
};

setInterval(renew, document.getElementById("live").dataset.seconds * 1000);

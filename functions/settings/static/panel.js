// What the panel does better with a script. Every page works without it: what
// is begun here falls back to what the browser does by itself.
"use strict";

// A form is sent once, however often its button is pressed. Whoever has stopped
// the browser, which nothing tells of, can send it again once an answer would be
// there: none takes longer than a test, with 25 seconds.
const again = 28000; // milliseconds
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post") return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "yes";
  setTimeout(() => delete form.dataset.sent, again);
});

// A page that the browser kept shows how things were: coming back to it by the
// browser's history asks for it again. The answer to a form can't be asked for
// without sending that again: it stays, with its forms to be sent.
window.addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  if (!("answer" in document.documentElement.dataset)) location.reload();
  for (const form of document.forms) delete form.dataset.sent;
});

// A link with data-dialog opens the page that it leads to in a dialog.
let opening = false;
document.addEventListener("click", async (event) => {
  const link = event.target.closest("a[data-dialog]");
  if (!link || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  if (opening) return;
  opening = true;
  try {
    const main = mainOf(await answerOf(await fetch(link.href)));
    if ([...main.querySelectorAll("[id]")].some((e) => document.getElementById(e.id))) throw new Error("an id would be there twice");
    open(main);
  } catch {
    location.assign(link.href);
  }
  opening = false;
});

async function answerOf(response) {
  const shown = response.ok || response.status === 422; // of which the page says what is wrong
  if (!shown || response.redirected) throw new Error("not the page that was asked for");
  return response.text();
}

function mainOf(text) {
  return document.importNode(new DOMParser().parseFromString(text, "text/html").querySelector("main"), true);
}

function open(main) {
  const dialog = document.createElement("dialog");
  const heading = document.createElement("h2");
  const title = main.querySelector("h1");
  heading.id = "dialog-title";
  heading.tabIndex = -1;
  heading.autofocus = true;
  heading.append(...title.childNodes);
  title.replaceWith(heading);
  dialog.setAttribute("aria-labelledby", heading.id);
  dialog.append(...main.childNodes);
  for (const close of dialog.querySelectorAll("[data-close]")) {
    close.addEventListener("click", (event) => {
      event.preventDefault();
      dialog.close();
    });
  }
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

// A button with data-copy copies what the field of that id holds.
for (const button of document.querySelectorAll("button[data-copy]")) {
  const field = document.getElementById(button.dataset.copy);
  const said = document.getElementById(button.getAttribute("aria-describedby"));
  button.hidden = false;
  button.addEventListener("click", async () => {
    field.select();
    try {
      await navigator.clipboard.writeText(field.value);
    } catch {
      return; // it is selected: the browser's own command copies it
    }
    said.textContent = button.dataset.done;
  });
}

// The example follows what is typed. An answer to what is no longer typed may be
// slow, and would come over a newer one: it is not waited for.
for (const form of document.querySelectorAll("form[data-example]")) {
  let timer;
  let asked = new AbortController();
  form.addEventListener("input", () => {
    clearTimeout(timer);
    asked.abort();
    asked = new AbortController();
    timer = setTimeout(preview, 400, form, asked.signal);
  });
}

async function preview(form, signal) {
  const body = new URLSearchParams(new FormData(form));
  body.set("action", "preview");
  try {
    const to = form.getAttribute("action"); // form.action is the button of that name
    const fresh = mainOf(await answerOf(await fetch(to, { method: "POST", body, signal }))).querySelector("#example");
    document.getElementById("example").replaceChildren(...fresh.childNodes);
  } catch {
    // The example stays as it was; saving says what is wrong.
  }
}

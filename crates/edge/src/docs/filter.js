"use strict";
// Shows the operations whose method, path, summary or name contain every word that is typed.
const filter = document.getElementById("filter");
const operations = [...document.querySelectorAll("details.operation")];
const texts = operations.map((operation) => operation.querySelector("summary").textContent.toLowerCase());
function apply() {
  const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
  operations.forEach((operation, at) => {
    operation.hidden = !words.every((word) => texts[at].includes(word));
  });
  document.querySelectorAll("section.tag").forEach((section) => {
    section.hidden = !section.querySelector("details.operation:not([hidden])");
  });
}
function open() {
  const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target && target.tagName === "DETAILS") target.open = true;
}
filter.addEventListener("input", apply);
addEventListener("hashchange", open);
addEventListener("keydown", (event) => {
  if (event.key === "/" && document.activeElement !== filter) {
    event.preventDefault();
    filter.focus();
  }
});
open();

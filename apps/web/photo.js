// The place where a photo is chosen or dropped.
import { $ } from "./dom.js";

let photo = null;

// The photo that is there now, or null.
export const chosen = () => photo;

// Calls the listener whenever there is another photo.
export function start(listen) {
  const drop = $("drop");
  drop.insertAdjacentHTML("afterbegin", '<input id="file" type="file" accept="image/jpeg,image/png">');
  drop.insertAdjacentHTML("beforeend", '<img id="preview" alt="" hidden>');

  function choose([file]) {
    if (!file) return;
    photo = file;
    URL.revokeObjectURL($("preview").src);
    $("preview").src = URL.createObjectURL(file);
    $("preview").hidden = false;
    listen();
  }

  $("file").addEventListener("change", (event) => choose(event.target.files));
  drop.addEventListener("dragover", (event) => { event.preventDefault(); drop.classList.add("over"); });
  drop.addEventListener("dragleave", () => drop.classList.remove("over"));
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    choose(event.dataTransfer.files);
  });
}

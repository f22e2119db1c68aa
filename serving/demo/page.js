// The picture that is open, the model's controls, and the view are kept here: the server remembers no page.
const $ = (id) => document.getElementById(id);
const MOVING = 640 * 640, RESTING = 4e6;  // the most pixels of a picture that are restored while the dial moves, and after
const LARGEST = 16;                       // screen pixels to a pixel of the picture
const pictures = new Map();               // what is known of each, and where its dial stands
let model;                                // what the server says of the chosen one's controls
let now;                                  // the picture that is open

// --- talking to the server

async function ask(path, query = {}, options = {}) {
  let answer;
  try {
    answer = await fetch(`${path}?${new URLSearchParams(query)}`, options);
  } catch {
    throw new Error("The server does not answer. Is it still running?");
  }
  if (!answer.ok) throw new Error((await answer.text()).trim());
  return answer;
}
const get = async (path, query) => (await ask(path, query)).json();

function say(text, wrong = false) {
  $("says").textContent = text;
  $("says").classList.toggle("wrong", wrong);
}

// What a control does; a mistake is said in the one line that there is, and the next action replaces it.
const acts = (action) => async (...given) => {
  acting += 1;
  tellBusy();
  try {
    say("");
    await action(...given);
  } catch (error) {
    say(error.message, true);
  }
  acting -= 1;
  tellBusy();
};

function setting(picture = now) {
  const query = { picture: picture.key, model: $("model").value, level: picture.level ?? model.opening };
  if ($("other").value) query.other = $("other").value;
  if (picture.reference) query.reference = picture.reference;
  if (picture.degrade && model.degradation) query.strength = model.varied ? picture.strength : 0;
  return query;
}

// --- where the picture lies on the screen

// screen pixels to a pixel of the picture; its point in the frame's middle; whether all of it is seen
const view = { zoom: 1, x: 0, y: 0, whole: true };
const panes = [];
let shown = null;                         // the part and the setting that are drawn

const frameSize = () => [panes[0].frame.clientWidth, panes[0].frame.clientHeight];
const fitting = () => { const [w, h] = frameSize(); return Math.min(w / now.width, h / now.height); };
const inside = (at, half, side) => (2 * half >= side ? side / 2 : Math.min(side - half, Math.max(half, at)));

// From all of the picture, or its pixels as the screen's if that is smaller.
const bounded = (zoom) => Math.max(Math.min(1, fitting()), Math.min(Math.max(LARGEST, fitting()), zoom));

// A zoom of 0 fits the picture into the frame.
function place(zoom, x = now.width / 2, y = now.height / 2) {
  const [w, h] = frameSize();
  view.zoom = zoom ? bounded(zoom) : fitting();
  view.x = inside(x, w / view.zoom / 2, now.width);
  view.y = inside(y, h / view.zoom / 2, now.height);
  view.whole = Math.abs(view.zoom / fitting() - 1) < 0.001;
  lay();
  draw();
}

// The point under (clientX, clientY) stays where it is.
function zoomAt(frame, factor, clientX, clientY) {
  const box = frame.getBoundingClientRect();
  const zoom = bounded(view.zoom * factor);
  const shift = 1 / view.zoom - 1 / zoom;
  place(zoom, view.x + (clientX - box.left - box.width / 2) * shift, view.y + (clientY - box.top - box.height / 2) * shift);
}

function lay() {
  const [w, h] = frameSize();
  const put = (element, part) => Object.assign(element.style, {
    left: `${(part.left - view.x) * view.zoom + w / 2}px`, top: `${(part.top - view.y) * view.zoom + h / 2}px`,
    width: `${part.width * view.zoom}px`, height: `${part.height * view.zoom}px`,
  });
  const all = { left: 0, top: 0, width: now.width, height: now.height };
  const part = shown?.picture === now ? shown.part : null;
  for (const pane of panes) {
    put(pane.whole, all);
    for (const element of [pane.before, pane.after, pane.part]) {
      element.hidden = !part;
      if (part) put(element, part);
    }
    const seen = seenPart();
    pane.part.hidden = !part || (seen.left >= part.left && seen.top >= part.top
      && seen.left + seen.width <= part.left + part.width && seen.top + seen.height <= part.top + part.height);
    pane.thumbnail.hidden = view.zoom <= 1.01 * fitting();
    const percent = (n, whole) => `${100 * n / whole}%`;
    Object.assign(pane.thumbnail.lastElementChild.style, {
      left: percent(seen.left, now.width), top: percent(seen.top, now.height),
      width: percent(seen.width, now.width), height: percent(seen.height, now.height),
    });
  }
  $("viewer").classList.toggle("pixels", view.zoom >= 3);
  $("zoom").textContent = `${Math.round(100 * view.zoom)} %`;
}

// The part of the picture that is on the screen.
function seenPart() {
  const [w, h] = frameSize().map((side) => side / view.zoom);
  const left = Math.max(0, view.x - w / 2), top = Math.max(0, view.y - h / 2);
  return { left, top, width: Math.min(now.width, view.x + w / 2) - left, height: Math.min(now.height, view.y + h / 2) - top };
}

// What is to be restored: all, or what is seen, or the middle of that. Networks and JPEG have blocks of 8 pixels.
function restoredPart(most) {
  if (now.width * now.height <= most) return { left: 0, top: 0, width: now.width, height: now.height };
  const seen = seenPart();
  const shrink = Math.min(1, Math.sqrt(most / (seen.width * seen.height)));
  const [width, height] = [seen.width, seen.height].map((side) => Math.ceil(side * shrink / 8) * 8 + 8);
  const at = (middle, side, whole) => Math.max(0, Math.min(whole - side, Math.floor((middle - side / 2) / 8) * 8));
  return {
    left: at(seen.left + seen.width / 2, width, now.width), top: at(seen.top + seen.height / 2, height, now.height),
    width: Math.min(width, now.width), height: Math.min(height, now.height),
  };
}

// --- drawing: one question at a time, and of the changes that arrive meanwhile only the last is asked for

let drawing = false, changed = false, resting, acting = 0;

function draw() {
  changed = true;
  clearTimeout(resting);
  $("viewer").ariaBusy = true;
  if (!drawing) drawNow(MOVING);
}

async function drawNow(most) {
  drawing = true;
  changed = false;
  resting = 0;
  await drawPart(most).catch((error) => say(error.message, true));
  drawing = false;
  if (changed) drawNow(MOVING);
  else if (most === MOVING) resting = setTimeout(drawNow, 250, RESTING);
  tellBusy();
}
const tellBusy = () => { $("viewer").ariaBusy = drawing || resting > 0 || acting > 0; };

async function drawPart(most) {
  const picture = now, part = restoredPart(most);
  const scale = Math.min(1, view.zoom * devicePixelRatio);
  const query = { ...setting(), ...part, scale };
  const { level, other, ...input } = query;
  const [asked, given] = [JSON.stringify(query), JSON.stringify(input)];
  if (shown?.asked === asked) return;
  const answer = await get("view", given === shown?.given ? query : { ...query, input: 1 });
  if (picture !== now) return;
  const images = [];
  panes.forEach((pane, i) => {
    const content = answer.panes[i];
    if (!content) return;
    if (answer.before) { pane.before.src = answer.before; images.push(pane.before); }
    pane.after.src = content.after;
    images.push(pane.after);
    pane.name.textContent = content.name;
    pane.score.textContent = content.score;
  });
  await Promise.all(images.map((image) => image.decode().catch(() => {})));  // so that nothing flickers
  if (picture !== now) return;
  shown = { picture, part, asked, given };
  const cut = part.width * part.height < now.width * now.height ? `${part.width} × ${part.height} pixels restored · ` : "";
  $("measured").textContent = `${cut}${answer.input ? `input ${answer.input} · ` : ""}${answer.ms} ms`;
  lay();
}

// --- panes

function makePane() {
  const figure = $("pane").content.cloneNode(true).firstElementChild;
  const pane = { figure };
  for (const name of ["frame", "whole", "before", "after", "part", "name", "score", "thumbnail", "divider"]) {
    pane[name] = figure.querySelector(`.${name}`);
  }
  follow(pane);
  return pane;
}

// One or two, beside each other or one below the other, whichever shows the picture larger.
function arrange() {
  const count = $("other").value ? 2 : 1;
  while (panes.length > count) panes.pop().figure.remove();
  while (panes.length < count) {
    panes.push(makePane());
    $("panes").append(panes.at(-1).figure);
    panes.at(-1).divider.value = panes[0].divider.value;
    shown = null;
  }
  const { clientWidth: w, clientHeight: h } = $("panes");
  const beside = now && Math.min(w / 2 / now.width, h / now.height) >= Math.min(w / now.width, h / 2 / now.height);
  $("panes").classList.toggle("beside", beside);
  if (!now) return;
  const { level, ...query } = setting();
  for (const { whole, thumbnail } of panes) {
    whole.src = thumbnail.firstElementChild.src = `preview?${new URLSearchParams({ ...query, level: 0 })}`;
  }
  place(view.whole ? 0 : view.zoom, view.x, view.y);
}

function follow({ frame, divider, thumbnail }) {
  const fingers = new Map();
  const gap = () => { const [a, b] = [...fingers.values()]; return Math.hypot(a.x - b.x, a.y - b.y); };
  frame.onpointerdown = (e) => {
    if (e.target === divider || thumbnail.contains(e.target)) return;
    fingers.set(e.pointerId, { x: e.clientX, y: e.clientY });
    frame.setPointerCapture(e.pointerId);
  };
  frame.onpointermove = (e) => {
    const last = fingers.get(e.pointerId);
    if (!last) return;
    const before = fingers.size === 2 ? gap() : 0;
    fingers.set(e.pointerId, { x: e.clientX, y: e.clientY });
    if (before) {
      const [a, b] = [...fingers.values()];
      zoomAt(frame, gap() / before, (a.x + b.x) / 2, (a.y + b.y) / 2);
    } else {
      place(view.zoom, view.x - (e.clientX - last.x) / view.zoom, view.y - (e.clientY - last.y) / view.zoom);
    }
  };
  frame.onpointerup = frame.onpointercancel = (e) => fingers.delete(e.pointerId);
  frame.ondblclick = (e) => {
    if (e.target === divider) return;
    view.zoom > 1.01 * fitting() ? place(0) : zoomAt(frame, Math.max(1, 4 * fitting()) / view.zoom, e.clientX, e.clientY);
  };
  frame.addEventListener("wheel", (e) => {
    e.preventDefault();
    zoomAt(frame, Math.exp(-0.0025 * e.deltaY), e.clientX, e.clientY);
  }, { passive: false });
  frame.onkeydown = (e) => {
    if (e.target !== frame) return;
    const step = 0.1 * Math.min(...frameSize()) / view.zoom;
    const moves = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] };
    if (moves[e.key]) place(view.zoom, view.x + moves[e.key][0], view.y + moves[e.key][1]);
    else if (e.key === "+" || e.key === "=") place(view.zoom * 2, view.x, view.y);
    else if (e.key === "-") place(view.zoom / 2, view.x, view.y);
    else if (e.key === "0") place(0);
    else return;
    e.preventDefault();
  };
  divider.oninput = () => {
    $("viewer").style.setProperty("--cut", `${divider.value}%`);
    panes.forEach((other) => { other.divider.value = divider.value; });
  };
  const jump = (e) => {
    if (!e.buttons) return;
    const box = thumbnail.getBoundingClientRect();
    place(view.zoom, (e.clientX - box.left) / box.width * now.width, (e.clientY - box.top) / box.height * now.height);
  };
  thumbnail.onpointerdown = (e) => { thumbnail.setPointerCapture(e.pointerId); jump(e); };
  thumbnail.onpointermove = jump;
}

$("in").onclick = () => place(view.zoom * 2, view.x, view.y);
$("out").onclick = () => place(view.zoom / 2, view.x, view.y);
$("fit").onclick = () => place(0);
$("one").onclick = () => place(1, view.x, view.y);
const hold = (on) => $("viewer").classList.toggle("holding", on);
$("original").onpointerdown = () => hold(true);
$("original").onpointerup = $("original").onpointerleave = $("original").onblur = () => hold(false);
const holds = (e) => (e.key === "o" && e.target.type !== "number") || (e.target === $("original") && " Enter".includes(e.key));
addEventListener("keydown", (e) => holds(e) && hold(true));
addEventListener("keyup", (e) => holds(e) && hold(false));
new ResizeObserver(arrange).observe($("panes"));

// --- the dial

function setLevel(level) {
  if (!Number.isFinite(level)) level = now.level;
  now.level = Math.min(model.high, Math.max(model.low, level));
  $("level").value = $("number").value = +now.level.toFixed(4);
}
$("level").oninput = () => { say(""); setLevel($("level").valueAsNumber); draw(); };
$("number").onchange = () => {
  const typed = $("number").valueAsNumber;
  setLevel(typed);
  say(Number.isFinite(typed) && typed !== now.level ? `The model goes from ${model.ends.join(" to ")}.` : "");
  draw();
};
async function findLevel(picture) {
  const found = await get("level", setting(picture));
  picture.level = found.level ?? picture.level;
  return found.says;
}
$("auto").onclick = acts(async () => {
  const picture = now, says = await findLevel(picture);
  if (picture !== now) return;
  say(says);
  setLevel(picture.level);
  draw();
});

// --- pictures

const added = (key, name, group) => $(group).append(new Option(name, key));

async function openPicture(key) {
  const picture = pictures.get(key) ?? { ...(await get("picture", { picture: key })), degrade: true };
  pictures.set(key, picture);
  const says = await measure(picture);
  now = picture;
  $("picture").value = key;
  say(says);
  showControls();
  setLevel(now.level);
  view.whole = true;
  arrange();
}

// Where the dial stands for a picture that has no level yet: what was opened is restored at its own level.
async function measure(picture) {
  picture.strength ??= model.opening;
  const says = picture.own && picture.level === undefined ? await findLevel(picture) : "";
  picture.level ??= model.opening;
  return says;
}
$("picture").onchange = acts(() => openPicture($("picture").value));

async function upload(file) {
  say(`Opening ${file.name} …`);
  return (await ask("pictures", { name: file.name }, { method: "POST", body: file })).json();
}
const openFiles = acts(async (files) => {
  let first, failed = [];
  for (const file of files) {
    try {
      const opened = await upload(file);
      pictures.set(opened.key, { ...opened, degrade: false, own: true });
      added(opened.key, opened.name, "opened");
      first ??= opened.key;
    } catch (error) {
      failed.push(error.message);
    }
  }
  $("all").hidden = $("opened").children.length < 2;
  if (first) await openPicture(first);
  if (failed.length) throw new Error(failed.join("; "));
});
const choosing = (button, input, action) => {
  $(button).onclick = () => $(input).click();
  $(input).onchange = async () => { const files = [...$(input).files]; $(input).value = ""; await action(files); };
};
choosing("open", "files", openFiles);
choosing("reference", "clean", acts(async ([file]) => {
  const picture = now, opened = await upload(file);
  if (opened.width !== picture.width || opened.height !== picture.height) {
    throw new Error(`${opened.name} is ${opened.width} × ${opened.height} pixels, but ${picture.name} is ${picture.width} × ${picture.height}`);
  }
  picture.reference = opened.key;
  say(`PSNR is measured against ${opened.name}.`);
  draw();
}));
addEventListener("dragover", (e) => { e.preventDefault(); document.body.classList.add("dropping"); });
addEventListener("dragleave", (e) => { if (!e.relatedTarget) document.body.classList.remove("dropping"); });
addEventListener("drop", (e) => {
  e.preventDefault();
  document.body.classList.remove("dropping");
  if (e.dataTransfer.files.length) openFiles([...e.dataTransfer.files]);
});

// --- download

async function save(picture) {
  const job = crypto.getRandomValues(new Uint32Array(2)).join("-");
  const progress = setInterval(async () => {
    const share = await get("progress", { job }).catch(() => null);
    if (share !== null && $("download").disabled) $("download").textContent = `Restoring ${Math.round(100 * share)} %`;
  }, 300);
  try {
    const { other, ...query } = setting(picture);
    const answer = await ask("save", { ...query, job });
    const link = Object.assign(document.createElement("a"), {
      href: URL.createObjectURL(await answer.blob()), download: decodeURIComponent(answer.headers.get("Ftn-Name")),
    });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  } finally {
    clearInterval(progress);
  }
}
const download = (chosen) => acts(async () => {
  $("download").disabled = $("all").disabled = true;
  $("download").textContent = "Restoring …";
  try {
    for (const picture of chosen()) {
      await measure(picture);
      await save(picture);
    }
  } finally {
    $("download").disabled = $("all").disabled = false;
    $("download").textContent = "Download";
  }
});
$("download").onclick = download(() => [now]);
$("all").onclick = download(() => [...$("opened").children].map((option) => pictures.get(option.value)));

// --- models, and how the picture is degraded

function showControls() {
  const range = { min: model.low, max: model.high, step: model.step };
  for (const id of ["level", "strength"]) {
    Object.assign($(id), range);
    $(id).classList.toggle("falling", model.falling);
  }
  Object.assign($("number"), range, { step: "any" });
  $("title").textContent = model.title;
  $("title").title = model.quantity;
  [$("first").textContent, $("last").textContent] = model.ends;
  $("auto").hidden = !model.auto;
  $("degrading").hidden = !model.degradation;
  $("degradation").textContent = `Degrade it first: ${model.degradation}`;
  $("degrade").checked = now.degrade;
  $("varied").hidden = !model.varied || !now.degrade;
  $("strength").value = now.strength;
  $("degraded").textContent = +(+now.strength).toFixed(4);
  $("about").textContent = `${now.name}, ${now.width} × ${now.height} pixels. ${now.about}`;
}
$("degrade").onchange = () => { say(""); now.degrade = $("degrade").checked; showControls(); arrange(); };
$("strength").oninput = () => { say(""); now.strength = $("strength").valueAsNumber; showControls(); draw(); };
$("strength").onchange = arrange;

const controlsOf = (source) => get("controls", { model: source });
const withinRange = (level) => level === undefined ? level : Math.min(model.high, Math.max(model.low, level));
let chosen;
$("model").onchange = acts(async () => {
  try {
    const next = await controlsOf($("model").value);
    const same = next.quantity === model.quantity;
    model = next;
    for (const picture of pictures.values()) {  // a level of another quantity means nothing here
      picture.level = same ? withinRange(picture.level) : undefined;
      picture.strength = same ? withinRange(picture.strength) : undefined;
    }
    chosen = $("model").value;
  } catch (error) {
    $("model").value = chosen;
    throw error;
  }
  let unlike = "";
  if ($("other").value) unlike = await notComparable();
  const says = await measure(now);
  showControls();
  setLevel(now.level);
  arrange();
  say(unlike || says, unlike !== "");
});
async function notComparable() {
  const other = await controlsOf($("other").value);
  if (other.quantity === model.quantity) return "";
  $("other").value = "";
  return `One dial cannot set both: they are of ${model.quantity} and ${other.quantity}.`;
}
$("other").onchange = acts(async () => {
  const unlike = $("other").value && await notComparable();
  arrange();
  if (unlike) throw new Error(unlike);
});

function offer({ models, warning }) {
  const options = () => Object.entries(models).map(([source, name]) => new Option(name, source));
  for (const [id, more] of [["model", []], ["other", [new Option("nothing", "")]]]) {
    const value = $(id).value;
    $(id).replaceChildren(...more, ...options());
    if ([...$(id).options].some((option) => option.value === value)) $(id).value = value;
  }
  if (warning) say(warning, true);
}

acts(async () => {
  const start = await get("start");
  offer(start);
  chosen = $("model").value = start.first;
  $("other").value = "";
  model = await controlsOf(chosen);
  start.samples.forEach((name) => added(name, name, "samples"));
  await openPicture(start.samples[0]);
  offer(await get("models"));  // with those that were trained since the server was started
})();

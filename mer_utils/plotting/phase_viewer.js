// The phase viewer: one clip, its phases, their weights and their dynamic images.
// No library. In a page it starts every viewer that is not started yet; under Node it
// exports its arithmetic for the tests.
(function () {
  "use strict";

  const PHASES = ["full", "onset_apex", "apex_offset"];
  const TITLES = { full: "Full", onset_apex: "Onset to apex", apex_offset: "Apex to offset" };

  // Weight of frame i of n (1-based), in the order of time also where it is pooled in reverse;
  // H(k) is the k-th harmonic number.
  function weights(n, kind, backward) {
    const harmonic = [0];
    for (let k = 1; k <= n; k++) harmonic.push(harmonic[k - 1] + 1 / k);
    const all = new Float64Array(n);
    for (let i = 1; i <= n; i++) {
      const tail = harmonic[n] - harmonic[i - 1];
      if (kind === "linear") all[i - 1] = 2 * i - n - 1;
      else if (kind === "ported") all[i - 1] = 2 * (n - i + 1) - n * tail;
      else all[i - 1] = 2 * (n - i + 1) - (n + 1) * tail;
    }
    return backward ? all.reverse() : all;
  }

  // Weighted sum of frames[first], frames[first + 1], ... over as many weights as are given.
  function pool(frames, first, w) {
    const sum = new Float64Array(frames[first].length);
    for (let k = 0; k < w.length; k++) {
      const frame = frames[first + k], weight = w[k];
      for (let p = 0; p < sum.length; p++) sum[p] += weight * frame[p];
    }
    return sum;
  }

  function largest(values) {
    let top = 0;
    for (let p = 0; p < values.length; p++) top = Math.max(top, Math.abs(values[p]));
    return top;
  }

  // Symmetric map: zero becomes mid-grey 128, the magnitude `top` becomes 1 or 255.
  function toUint8(values, top) {
    const scale = top > 0 ? 127 / top : 0;
    return Uint8ClampedArray.from(values, (v) => Math.round(128 + v * scale));
  }

  function absoluteSum(w) {
    return w.reduce((sum, v) => sum + Math.abs(v), 0);
  }

  function bounds(onset, apex, offset) {
    return { full: [onset, offset], onset_apex: [onset, apex], apex_offset: [apex, offset] };
  }

  function svgNode(name, attributes, text) {
    const node = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const key in attributes) node.setAttribute(key, attributes[key]);
    if (text !== undefined) node.textContent = text;
    return node;
  }

  // Cut the sprite sheet into RGB arrays, one per frame.
  function cut(image, data) {
    const sheet = document.createElement("canvas");
    sheet.width = image.naturalWidth || image.width;
    sheet.height = image.naturalHeight || image.height;
    const context = sheet.getContext("2d", { willReadFrequently: true });
    context.drawImage(image, 0, 0);
    const frames = [];
    for (let k = 0; k < data.count; k++) {
      const x = (k % data.columns) * data.pitch[0], y = Math.floor(k / data.columns) * data.pitch[1];
      const rgba = context.getImageData(x, y, data.width, data.height).data;
      const rgb = new Uint8Array(data.width * data.height * 3);
      for (let p = 0, q = 0; p < rgba.length; p += 4) {
        rgb[q++] = rgba[p]; rgb[q++] = rgba[p + 1]; rgb[q++] = rgba[p + 2];
      }
      frames.push(rgb);
    }
    return frames;
  }

  function paint(canvas, rgb) {
    const context = canvas.getContext("2d");
    const picture = context.createImageData(canvas.width, canvas.height);
    for (let p = 0, q = 0; q < rgb.length; p += 4) {
      picture.data[p] = rgb[q++]; picture.data[p + 1] = rgb[q++]; picture.data[p + 2] = rgb[q++];
      picture.data[p + 3] = 255;
    }
    context.putImageData(picture, 0, 0);
  }

  // A clip of the reader's own: at most so many frames, of at most so many pixels per side.
  const MOST = 400, SIDE = 240, WAIT = 4000;

  class Refused extends Error {}

  // One frame as [RGB, width, height], from a picture or a video as it stands.
  function grab(source, width, height) {
    const scale = Math.min(1, SIDE / Math.max(width, height));
    const canvas = document.createElement("canvas");
    canvas.width = Math.max(1, Math.round(width * scale));
    canvas.height = Math.max(1, Math.round(height * scale));
    canvas.getContext("2d", { willReadFrequently: true }).drawImage(source, 0, 0, canvas.width, canvas.height);
    const [rgb] = cut(canvas, { count: 1, columns: 1, pitch: [0, 0], width: canvas.width, height: canvas.height });
    return [rgb, canvas.width, canvas.height];
  }

  // Pictures in the order of the numbers in their names.
  async function readPictures(files) {
    files.sort((a, b) => a.name.localeCompare(b.name, "en", { numeric: true }));
    const found = [];
    let size = "";
    for (const file of files.slice(0, MOST)) {
      const picture = await createImageBitmap(file).catch(() => {
        throw new Refused("This browser cannot read the picture " + file.name + ". Save the frames as PNG or JPEG.");
      });
      const own = picture.width + " x " + picture.height;
      if (size && own !== size) throw new Refused(file.name + " has " + own + " pixels, the frames before it " + size + ". Choose the frames of one clip.");
      size = own;
      found.push(grab(picture, picture.width, picture.height));
      picture.close();
    }
    const last = files[0].name.match(/(\d+)\D*$/);
    return { frames: found, first: last ? Number(last[1]) : 1, fps: 0, more: files.length > MOST };
  }

  // Every frame of a video: it plays once to tell how far its frames lie apart, and is then
  // stopped at each of them, since a frame drawn while it plays may be the next one.
  async function readVideo(file, progress) {
    const video = document.createElement("video"), address = URL.createObjectURL(file);
    const cannot = () => new Refused("This browser cannot play " + file.name + ". Convert it (ffmpeg -i " + file.name +
      " clip.webm) or save its frames as pictures; or use the command: mer di " + file.name + ".");
    const after = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));
    const until = (name) => new Promise((done, fail) => {
      video.addEventListener(name, done, { once: true });
      video.addEventListener("error", () => fail(cannot()), { once: true });
    });
    const shown = () => new Promise((done) => video.requestVideoFrameCallback((now, frame) => done(frame.mediaTime)));
    video.muted = video.playsInline = true;
    try {
      const ready = until("loadeddata");
      video.src = address;
      await Promise.race([ready, after(WAIT).then(() => { throw cannot(); })]);
      if (!video.videoWidth || !video.requestVideoFrameCallback) throw cannot();
      const times = [], ended = until("ended");
      video.play().catch(() => {});
      while (times.length < MOST) {
        const time = await Promise.race([shown(), ended.then(() => null), after(WAIT).then(() => null)]);
        if (time === null) break;
        times.push(time);
      }
      video.pause();
      const steps = times.slice(1).map((t, k) => t - times[k]).filter((d) => d > 0).sort((a, b) => a - b);
      const step = steps[Math.floor(steps.length / 4)], seen = new Map();
      for (let t = step ? times[0] % step : 1; t < video.duration + step / 2 && seen.size < MOST; t += step) {
        // What is shown there may be a frame that was seen: its own time says so.
        const there = shown();
        video.currentTime = Math.min(t + step / 2, video.duration);
        const time = await Promise.race([there, after(1000)]);
        if (time === undefined) continue;
        seen.set(time, grab(video, video.videoWidth, video.videoHeight));
        progress(seen.size);
      }
      const inOrder = [...seen.keys()].sort((a, b) => a - b);
      return { frames: inOrder.map((t) => seen.get(t)), first: 1, fps: step ? 1 / step : 0, more: seen.size === MOST };
    } finally {
      URL.revokeObjectURL(address);
      video.removeAttribute("src");
    }
  }

  async function readOwn(files, progress) {
    const videos = files.filter((file) => file.type.startsWith("video/"));
    const pictures = files.filter((file) => file.type.startsWith("image/"));
    const neither = files.find((file) => !/^(video|image)\//.test(file.type));
    if (neither) throw new Refused(neither.name + " is neither a video nor a picture.");
    if (videos.length > 1 || (videos.length && pictures.length)) throw new Refused("Choose one video, or the pictures of one clip.");
    const clip = videos.length ? await readVideo(videos[0], progress) : await readPictures(pictures);
    if (clip.frames.length < 3) throw new Refused("That is " + clip.frames.length + " frame(s); a clip with an apex has at least three.");
    return clip;
  }

  function start(root) {
    root.setAttribute("data-ready", "");
    let data = JSON.parse(root.querySelector("script[type='application/json']").textContent);
    const part = (name) => root.querySelector("[data-part='" + name + "']");
    const sliders = {};
    for (const name of ["onset", "apex", "offset", "frame"]) sliders[name] = part(name);
    const play = part("play"), plot = part("plot");
    const still = window.matchMedia("(prefers-reduced-motion: reduce)");
    const state = { onset: data.onset, apex: data.apex, offset: data.offset, frame: data.offset };
    let frames = null, playing = false, lastTime = 0, due = 0, finals = {};

    const number = (index) => index + data.first;
    const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
    const of = (phase, n) => weights(n, part("kind").value, phase === "apex_offset" && part("fall").value === "backward");

    // The finished dynamic images and the scale of their grey levels.
    function finish() {
      finals = {};
      for (const [phase, [a, b]] of Object.entries(bounds(state.onset, state.apex, state.offset))) {
        if (b - a < 1) continue;
        const w = of(phase, b - a + 1), image = pool(frames, a, w);
        finals[phase] = { w: w, image: image, top: largest(image) };
      }
    }

    function drawTiles() {
      paint(part("canvas-frame"), frames[state.frame]);
      part("text-frame").textContent = "number " + number(state.frame);
      part("canvas-frame").setAttribute("aria-label", "Frame " + number(state.frame) + " of the clip");
      const blank = new Uint8Array(frames[0].length).fill(128);
      const running = part("build").value === "running";
      for (const [phase, [a, b]] of Object.entries(bounds(state.onset, state.apex, state.offset))) {
        const done = clamp(state.frame, a - 1, b) - a + 1, n = b - a + 1;
        const final = finals[phase];
        let rgb = blank, words = done + " of " + n + " frames";
        if (!final) words = "no dynamic image: fewer than two frames";
        else if (done === n) rgb = toUint8(final.image, final.top);
        else if (running && done > 0) {
          const sum = pool(frames, a, final.w.subarray(0, done));
          rgb = toUint8(sum, largest(sum));
        } else if (done > 1) {
          // Few frames have small weights: the scale shrinks with them, or nothing would show.
          const w = of(phase, done);
          rgb = toUint8(pool(frames, a, w), (final.top * absoluteSum(w)) / absoluteSum(final.w));
        }
        paint(part("canvas-" + phase), rgb);
        part("text-" + phase).textContent = words;
        part("canvas-" + phase).setAttribute("aria-label", TITLES[phase] + " dynamic image, " + words);
      }
    }

    // One lane of bars per phase: filled where the frame is already in the image.
    function drawPlot() {
      const width = Math.max(260, plot.clientWidth || 600), lane = 70, height = 3 * lane + 26;
      const x = (index) => 8 + ((index + 0.5) / data.count) * (width - 16);
      const svg = svgNode("svg", { viewBox: "0 0 " + width + " " + height, width: width, height: height, "aria-hidden": "true" });
      const labels = [];
      const bar = Math.max(1, ((width - 16) / data.count) * 0.72);
      PHASES.forEach((phase, row) => {
        const [a, b] = bounds(state.onset, state.apex, state.offset)[phase];
        const top = row * lane + 16, tall = lane - 20, final = finals[phase];
        const label = svgNode("text", { x: 8, y: row * lane + 11 }, TITLES[phase]);
        labels.push(label);
        if (!final) {
          label.textContent += ": fewer than two frames";
          return;
        }
        const high = Math.max(0, ...final.w), low = Math.min(0, ...final.w);
        const y = (v) => top + ((high - v) / (high - low)) * tall;
        label.textContent += ": weights " + low.toFixed(1) + " to " + high.toFixed(1);
        svg.append(svgNode("line", { x1: x(a) - bar, x2: x(b) + bar, y1: y(0), y2: y(0), stroke: "var(--muted)" }));
        final.w.forEach((v, k) => {
          svg.append(svgNode("rect", {
            "class": "mer-weight", x: (x(a + k) - bar / 2).toFixed(1), width: bar.toFixed(1),
            y: Math.min(y(v), y(0)).toFixed(1), height: Math.max(Math.abs(y(v) - y(0)), 0.6).toFixed(1),
            fill: "var(--" + phase + ")", "fill-opacity": a + k <= state.frame ? 1 : 0.25,
          }));
        });
      });
      const base = 3 * lane + 4;
      svg.append(svgNode("line", { x1: x(state.frame), x2: x(state.frame), y1: 0, y2: base, stroke: "var(--accent)", "stroke-width": 2 }));
      const names = state.apex - state.onset < 0.16 * data.count || state.offset - state.apex < 0.16 * data.count
        ? { onset: "on", apex: "apex", offset: "off" } : { onset: "onset", apex: "apex", offset: "offset" };
      for (const name of ["onset", "apex", "offset"]) {
        const at = x(state[name]);
        svg.append(svgNode("line", { x1: at, x2: at, y1: 14, y2: base, stroke: "var(--muted)", "stroke-dasharray": "2 4" }));
        const anchor = at < 30 ? "start" : at > width - 30 ? "end" : "middle";
        svg.append(svgNode("text", { x: anchor === "start" ? 8 : anchor === "end" ? width - 8 : at, y: base + 15, "text-anchor": anchor, "class": "mer-muted" }, names[name]));
      }
      svg.append(...labels); // last, so that no line crosses the words
      plot.replaceChildren(svg);
      plot.setAttribute("aria-label", "Rank-pooling weights of the three phases against the frame. " + PHASES.map((p) =>
        TITLES[p] + ": " + (finals[p] ? finals[p].w.length + " frames, first weight " + finals[p].w[0].toFixed(1) : "fewer than two frames")).join("; ") + ".");
    }

    function draw() {
      for (const name in sliders) {
        sliders[name].value = number(state[name]);
        part("out-" + name).textContent = number(state[name]);
      }
      play.textContent = still.matches ? "Next frame" : playing ? "Pause" : "Play";
      if (!frames) return;
      drawTiles();
      drawPlot();
    }

    function say() {
      part("status").textContent = "Onset " + number(state.onset) + ", apex " + number(state.apex) +
        ", offset " + number(state.offset) + "; shown: frame " + number(state.frame) + ".";
    }

    function tick(time) {
      if (!playing) return;
      due += ((time - lastTime) / 1000) * data.fps * Number(part("speed").value);
      lastTime = time;
      const steps = Math.floor(due);
      due -= steps;
      if (steps > 0) {
        state.frame = Math.min(state.frame + steps, state.offset);
        if (state.frame === state.offset) { playing = false; say(); }
        draw();
      }
      if (playing) window.requestAnimationFrame(tick);
    }

    play.addEventListener("click", () => {
      if (state.frame >= state.offset && !playing) state.frame = state.onset;
      else if (still.matches) state.frame += 1;
      if (still.matches) { draw(); say(); return; }
      playing = !playing;
      due = 0;
      lastTime = window.performance.now();
      draw();
      if (playing) window.requestAnimationFrame(tick);
      else say();
    });

    // A phase's bound stops at its neighbour; the shown frame stays inside the clip.
    for (const name in sliders) {
      sliders[name].addEventListener("input", () => {
        const value = Number(sliders[name].value) - data.first;
        playing = false;
        if (name === "onset") state.onset = clamp(value, 0, state.apex);
        if (name === "apex") state.apex = clamp(value, state.onset, state.offset);
        if (name === "offset") state.offset = clamp(value, state.apex, data.count - 1);
        if (name === "frame") state.frame = clamp(value, state.onset, state.offset);
        else { state.frame = state.offset; if (frames) finish(); }
        draw();
      });
      sliders[name].addEventListener("change", say);
    }
    for (const name of ["kind", "fall"]) part(name).addEventListener("change", () => { if (frames) finish(); draw(); });
    part("build").addEventListener("change", draw);
    function reset() {
      playing = false;
      Object.assign(state, { onset: data.onset, apex: data.apex, offset: data.offset, frame: data.offset });
      if (frames) finish();
      draw();
      say();
    }

    // Show another clip: every slider and canvas takes its measure.
    function show(clip) {
      const [, width, height] = clip.frames[0], last = clip.frames.length - 1;
      data = { ...data, count: last + 1, width: width, height: height, first: clip.first, fps: clip.fps || data.fps, onset: 0, apex: last >> 1, offset: last };
      frames = clip.frames.map(([rgb]) => rgb);
      for (const name in sliders) { sliders[name].min = number(0); sliders[name].max = number(last); }
      for (const canvas of root.querySelectorAll("canvas")) { canvas.width = width; canvas.height = height; }
      part("speed").querySelector("option[value='1']").textContent = clip.fps ? "real time, " + Number(clip.fps.toFixed(1)) + " fps" : "at " + data.fps + " fps";
      reset();
    }

    async function open(files) {
      if (!files.length || !frames) return;
      const words = part("own");
      words.textContent = "Reading ...";
      root.removeAttribute("data-own");
      try {
        const clip = await readOwn([...files], (n) => { words.textContent = "Reading: " + n + " frames ..."; });
        part("title").textContent = files.length > 1 ? files.length + " pictures of your own" : files[0].name;
        show(clip);
        words.textContent = clip.frames.length + " frames" + (clip.more ? ", the first of more: cut the clip to the movement" : "") +
          ". The apex stands halfway until you move it to the strongest frame.";
      } catch (error) {
        words.textContent = error instanceof Refused ? error.message : "These files cannot be read (" + error.message + ").";
      }
      root.setAttribute("data-own", "");
    }

    part("reset").addEventListener("click", reset);
    part("files").addEventListener("change", () => open(part("files").files));
    root.addEventListener("dragover", (event) => event.preventDefault());
    root.addEventListener("drop", (event) => { event.preventDefault(); open(event.dataTransfer.files); });
    part("save").addEventListener("click", () => {
      const tiles = [...root.querySelectorAll("canvas")], sheet = document.createElement("canvas");
      sheet.width = tiles.length * (data.width + 4) - 4;
      sheet.height = data.height;
      tiles.forEach((tile, k) => sheet.getContext("2d").drawImage(tile, k * (data.width + 4), 0));
      const link = document.createElement("a");
      link.download = "dynamic-images.png";
      link.href = sheet.toDataURL("image/png");
      link.click();
    });
    still.addEventListener("change", () => { playing = false; draw(); });
    // Only a new width asks for a new plot; reacting to height would loop.
    let drawnWidth = 0;
    new ResizeObserver(() => {
      if (frames && plot.clientWidth !== drawnWidth) { drawnWidth = plot.clientWidth; drawPlot(); }
    }).observe(plot);

    part("body").hidden = false;
    draw();
    const image = new Image();
    image.onload = () => { frames = cut(image, data); finish(); draw(); root.setAttribute("data-drawn", ""); if (data.playing && !still.matches) play.click(); };
    image.src = data.sprite;
  }

  if (typeof module !== "undefined" && module.exports) {
    module.exports = { weights: weights, pool: pool, largest: largest, toUint8: toUint8, bounds: bounds };
  } else {
    document.querySelectorAll(".mer-phase-viewer:not([data-ready])").forEach(start);
  }
})();

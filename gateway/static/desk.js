// Keeps the desk's numbers at most two seconds old. Without it the page is whole, as of when it was loaded.
"use strict";
(function () {
  const EVERY_MS = 1500;
  const CHARTS_EVERY_MS = 10000;
  const GIVE_UP_MS = 4000;
  const format = new Intl.NumberFormat(document.documentElement.lang, { maximumFractionDigits: 1 });
  const stale = document.getElementById("stale");
  let heardAt = Date.now();

  function showTimes(inside) {
    inside.querySelectorAll("time[data-ms]").forEach(function (time) {
      time.textContent = new Date(Number(time.dataset.ms)).toLocaleString(document.documentElement.lang, {
        day: "numeric", month: "short", hour: "2-digit", hourCycle: "h23", minute: "2-digit", second: "2-digit",
      });
    });
  }
  showTimes(document);

  function setText(element, text) {
    if (element.textContent !== text) element.textContent = text;
  }

  function showFigures(section, room) {
    section.querySelectorAll("[data-figure]").forEach(function (element) {
      setText(element, format.format(room[element.dataset.figure]));
    });
    section.querySelectorAll("[data-maybe]").forEach(function (element) {
      const value = element.dataset.maybe.split(".").reduce(function (part, name) { return part[name]; }, room);
      if (value === null) setText(element, "–");
      else if (element.dataset.kind === "minutes") setText(element, "≤ " + format.format(Math.ceil(value / 60)) + " min");
      else setText(element, format.format(value));
    });
    section.querySelectorAll("[data-told]").forEach(function (sentence) {
      const part = room.told[sentence.dataset.told];
      const judged = Math.max(part.join.judged, part.halfway.judged);
      const share = function (told) { return told.right_percent === null ? "–" : format.format(told.right_percent); };
      sentence.hidden = !judged;
      setText(sentence, sentence.dataset.text.replace("{count}", format.format(judged))
        .replace("{join}", share(part.join)).replace("{halfway}", share(part.halfway)));
    });
    section.querySelectorAll("[data-share]").forEach(function (bar) {
      bar.max = Math.max(room[bar.dataset.most], 0.001);
      bar.value = Math.min(room[bar.dataset.share], bar.max);
    });
    section.querySelectorAll("[data-lane] rect").forEach(function (rect) {
      const share = room.issued ? (1000 * room[rect.getAttribute("class")]) / room.issued : 0;
      rect.setAttribute("width", rect.getAttribute("class") === "issued" ? "1000" : share.toFixed(1));
    });
  }

  function showStandby(section, room) {
    const queueing = section.querySelector("[data-queueing]");
    section.querySelector("[data-standby]").hidden = Boolean(room.queueing_since_ms) || room.phase !== "open";
    queueing.hidden = !room.queueing_since_ms;
    if (room.queueing_since_ms) {
      queueing.querySelector("time").dataset.ms = room.queueing_since_ms;
      showTimes(queueing);
    }
  }

  function showRoom(section, room) {
    const trouble = section.querySelector("[data-trouble]");
    if (room.problem || trouble) {
      // What the page says of trouble is written by the server: load it when trouble comes or goes.
      if (Boolean(room.problem) !== Boolean(trouble) && !isTyping()) location.reload();
      return;
    }
    showFigures(section, room);
    showStandby(section, room);
    section.querySelectorAll("[data-alert]").forEach(function (alert) {
      alert.hidden = !room.alerts.includes(alert.dataset.alert);
    });
    section.querySelectorAll("[data-binding]").forEach(function (limit) {
      limit.hidden = limit.dataset.binding !== room.binding.limit;
    });
    section.querySelector("[data-elsewhere]").hidden = String(room.revision) === section.dataset.revision;
  }

  function isTyping() {
    return /^(INPUT|TEXTAREA)$/.test(document.activeElement ? document.activeElement.tagName : "");
  }

  function sayIfStale() {
    const age = Math.round((Date.now() - heardAt) / 1000);
    stale.hidden = age < 5;
    if (!stale.hidden) setText(stale, stale.dataset.text.replace("{seconds}", format.format(age)));
  }

  async function refresh() {
    if (document.hidden) return;
    const giveUp = new AbortController();
    const timer = setTimeout(function () { giveUp.abort(); }, GIVE_UP_MS);
    try {
      const answer = await fetch("/api/rooms", { signal: giveUp.signal, cache: "no-store" });
      if (answer.status === 401) location.assign("/sign-in");
      if (!answer.ok) return;
      const told = await answer.json();
      heardAt = Date.now();
      told.rooms.forEach(function (room) {
        const section = document.querySelector('[data-room="' + CSS.escape(room.room) + '"]');
        if (section) showRoom(section, room);
      });
    } catch (error) {
      if (!(error instanceof TypeError || error.name === "AbortError")) throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  // Drawn on the server; a chart's grain is ten seconds.
  async function redraw(box) {
    const answer = await fetch("/rooms/" + encodeURIComponent(box.dataset.charts) + "/charts?span=" + box.dataset.span);
    if (!answer.ok || answer.redirected) return;
    box.innerHTML = await answer.text();
    showTimes(box);
  }

  function redrawAll() {
    if (!document.hidden) {
      document.querySelectorAll("[data-charts]").forEach(function (box) { redraw(box).catch(function () {}); });
    }
    setTimeout(redrawAll, CHARTS_EVERY_MS);
  }

  document.addEventListener("click", function (event) {
    const link = event.target.closest("a[data-span]");
    const box = link && link.closest("[data-charts]");
    if (!box) return;
    event.preventDefault();
    box.dataset.span = link.dataset.span;
    redraw(box).catch(function () { location.assign(link.href); });
  });

  async function forever() {
    await refresh();
    sayIfStale();
    setTimeout(forever, EVERY_MS);
  }

  if (stale) {
    document.addEventListener("visibilitychange", function () {
      if (!document.hidden) heardAt = Date.now();
    });
    setTimeout(forever, EVERY_MS);
    setTimeout(redrawAll, CHARTS_EVERY_MS);
  }
})();

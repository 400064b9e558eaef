/* Conveniences only: every page works without this file. ES5, for old phones. */
(function () {
  "use strict";
  var KEEP_EVERY_MS = 3 * 60 * 1000;
  var WARN_BEFORE_S = 3 * 60;
  var UNUSED_S = 4 * 60; /* a pass with less than this was just handed out: its first use makes it a long one */

  function byId(id) { return document.getElementById(id); }

  /* One press, one form: a second press while the first is under way would only load the service. */
  function guardSubmit(form, button) {
    var sent = false;
    var label = button.textContent;
    form.addEventListener("submit", function (event) {
      if (event.submitter && event.submitter.name === "language") { return; }
      if (sent) { event.preventDefault(); return; }
      sent = true;
      button.setAttribute("aria-disabled", "true");
      button.textContent = button.getAttribute("data-sending");
    });
    window.addEventListener("pageshow", function () {
      sent = false;
      button.removeAttribute("aria-disabled");
      button.textContent = label;
    });
  }

  function offerToShow(password, button) {
    button.hidden = false;
    button.addEventListener("click", function () {
      var show = password.type === "password";
      password.type = show ? "text" : "password";
      button.setAttribute("aria-pressed", show ? "true" : "false");
      password.focus();
    });
  }

  /* Typing keeps the pass alive; whoever walked away is warned before it ends, and not kept by a machine. */
  function keepPass(form, note) {
    var skew = Date.now() / 1000 - Number(note.getAttribute("data-now"));
    var expires = Number(note.getAttribute("data-expires"));
    var warning = byId("pass-warning");
    var words = note.getAttribute("data-words");
    var last = Date.now();

    function left() { return expires - (Date.now() / 1000 - skew); }

    function keep() {
      var request = new XMLHttpRequest();
      last = Date.now();
      request.open("GET", "/still-here");
      request.onload = function () {
        var answer;
        if (request.status !== 200) { return; }
        try { answer = JSON.parse(request.responseText); } catch (error) { return; }
        if (answer.pass_expires_at_s) {
          expires = answer.pass_expires_at_s;
          warning.hidden = true;
          note.textContent = words.replace("{minutes}", Math.max(1, Math.floor(left() / 60)));
        }
      };
      request.send();
    }

    function watch() {
      if (left() < WARN_BEFORE_S && warning.hidden) { warning.hidden = false; }
    }

    form.addEventListener("input", function () {
      if (Date.now() - last > KEEP_EVERY_MS) { keep(); }
    });
    byId("pass-keep").addEventListener("click", keep);
    window.setInterval(watch, 5000);
    if (left() < UNUSED_S) { keep(); }
  }

  var form = byId("registration");
  if (form) {
    guardSubmit(form, byId("send"));
    offerToShow(byId("password"), byId("show-password"));
    if (byId("pass-note")) { keepPass(form, byId("pass-note")); }
  }
})();

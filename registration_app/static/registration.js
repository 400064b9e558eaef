/* Conveniences only: every page works without this file. ES5, for old phones. */
(function () {
  "use strict";
  var KEEP_EVERY_MS = 3 * 60 * 1000;
  var WARN_BEFORE_S = 3 * 60;

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
    var last = Date.now();

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
        }
      };
      request.send();
    }

    function watch() {
      var left = expires - (Date.now() / 1000 - skew);
      if (left < WARN_BEFORE_S && warning.hidden) { warning.hidden = false; }
    }

    form.addEventListener("input", function () {
      if (Date.now() - last > KEEP_EVERY_MS) { keep(); }
    });
    byId("pass-keep").addEventListener("click", keep);
    window.setInterval(watch, 5000);
  }

  var form = byId("registration");
  if (form) {
    guardSubmit(form, byId("send"));
    offerToShow(byId("password"), byId("show-password"));
    if (byId("pass-note")) { keepPass(form, byId("pass-note")); }
  }
})();

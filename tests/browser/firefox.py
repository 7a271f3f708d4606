"""The machine's Firefox, driven through WebDriver BiDi, which it speaks without a driver.

with Firefox(tmp_path) as firefox:
    firefox.open("file:///…", width=1280, height=900)
    firefox.run("document.title")
"""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
import time
from pathlib import Path

import websocket


class Firefox:
    """One window without a screen, with a profile of its own in `folder`.

    Raises FileNotFoundError where no Firefox is installed, RuntimeError for what Firefox or a page
    says went wrong.
    """

    def __init__(self, folder: Path) -> None:
        found = next(filter(None, map(shutil.which, ("firefox-esr", "firefox"))), None)
        if found is None:
            raise FileNotFoundError("no Firefox on this machine: apt-get install firefox-esr")
        profile = folder / "profile"
        profile.mkdir()
        (profile / "user.js").write_text(
            'user_pref("app.update.auto", false);\n'
            'user_pref("datareporting.policy.dataSubmissionEnabled", false);\n'
            'user_pref("network.captive-portal-service.enabled", false);\n'
            'user_pref("dom.w3c_touch_events.enabled", 1);\n'
        )
        self.process = subprocess.Popen(
            [found, "--headless", "--remote-debugging-port=0", "--profile", str(profile)],
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
            env={"HOME": str(folder), "PATH": "/usr/bin:/bin", "MOZ_DISABLE_CONTENT_SANDBOX": "1"},
        )
        for line in self.process.stderr:
            if address := re.search(r"WebDriver BiDi listening on (ws://\S+)", line):
                break
        else:
            raise RuntimeError("Firefox ended before it listened")
        self.socket = websocket.create_connection(
            f"{address[1]}/session", timeout=120, suppress_origin=True
        )
        self.sent, self.errors, self.requests = 0, [], []
        self.ask("session.new", capabilities={})
        self.ask("session.subscribe", events=["log.entryAdded", "network.beforeRequestSent"])
        self.context = self.ask("browsingContext.getTree")["contexts"][0]["context"]

    def __enter__(self) -> Firefox:
        return self

    def __exit__(self, *_) -> None:
        self.socket.close()
        self.process.terminate()
        self.process.wait(30)
        self.process.stderr.close()

    def ask(self, method: str, **params: object) -> dict:
        """The result of a command; what else is said on the way is kept in `errors`, `requests`."""
        self.sent += 1
        self.socket.send(json.dumps({"id": self.sent, "method": method, "params": params}))
        while True:
            said = json.loads(self.socket.recv())
            if said.get("id") == self.sent:
                if said["type"] == "error":
                    raise RuntimeError(f"{method}: {said['error']}: {said['message']}")
                return said["result"]
            event = said.get("params", {})
            if said.get("method") == "log.entryAdded" and event["level"] == "error":
                self.errors.append(event["text"])
            elif said.get("method") == "network.beforeRequestSent":
                self.requests.append(event["request"]["url"])

    def open(self, url: str, width: int = 1280, height: int = 900) -> None:
        """Go to `url` and wait until all of it has loaded.

        Firefox answers before that, even while the last page or an empty one is still there.
        """
        self.errors, self.requests = [], []
        viewport = {"width": width, "height": height}
        self.ask("browsingContext.setViewport", context=self.context, viewport=viewport)
        self.run("window.ngdLeft = true")
        self.ask("browsingContext.navigate", context=self.context, url=url, wait="complete")
        there = """!window.ngdLeft && location.href !== "about:blank"
            && document.readyState === "complete" """
        late = time.monotonic() + 60
        while not self.run(there):
            if time.monotonic() > late:
                raise RuntimeError(f"{url} has not loaded in a minute")
            time.sleep(0.05)

    def run(self, expression: str) -> object:
        """The value of an expression, or of the promise that it is, by way of JSON."""
        result = self.ask(
            "script.evaluate",
            expression=f"Promise.resolve({expression}).then(JSON.stringify)",
            target={"context": self.context},
            awaitPromise=True,
            userActivation=True,
        )
        if result["type"] == "exception":
            raise RuntimeError(result["exceptionDetails"]["text"])
        return json.loads(result["result"].get("value", "null"))

    def act(self, kind: str, *steps: dict) -> None:
        """What a pointer (mouse, touch) or the keys do, in their order."""
        source: dict = {"type": "key", "id": "keys", "actions": list(steps)}
        if kind != "key":
            source |= {"type": "pointer", "id": kind, "parameters": {"pointerType": kind}}
        self.ask("input.performActions", context=self.context, actions=[source])

    def picture(self, file: Path) -> None:
        """A PNG of what is on the screen."""
        data = self.ask("browsingContext.captureScreenshot", context=self.context)["data"]
        file.write_bytes(base64.b64decode(data))

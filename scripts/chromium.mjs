// Finds the browser that tests of the page drive, and how `npm test` gets one where it may.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";

const usual = [
  "/usr/bin/chromium",
  "/usr/bin/google-chrome",
  "/usr/bin/google-chrome-stable",
  "/usr/bin/chromium-browser",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
  `${process.env.PROGRAMFILES}\\Google\\Chrome\\Application\\chrome.exe`,
];

/** Path of Chromium or Chrome: SDFN_CHROMIUM, or where systems put it; undefined when there is none. */
export function findChromium() {
  return process.env.SDFN_CHROMIUM || usual.find((path) => existsSync(path));
}

/** Installs Chromium from the system's packages, where this process may: as root on Debian. */
export function installChromium() {
  if (process.getuid?.() !== 0 || !isDebian()) return;
  console.log("Installing chromium for the tests of the page (apt-get) ...");
  const apt = (...args) =>
    spawnSync("apt-get", ["-qq", ...args], {
      stdio: ["ignore", "ignore", "inherit"],
      env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
    }).status === 0;
  if (!apt("update") || !apt("install", "-y", "--no-install-recommends", "chromium")) {
    console.log("chromium could not be installed.");
  }
}

function isDebian() {
  try {
    return /^ID=debian$/m.test(readFileSync("/etc/os-release", "utf8"));
  } catch {
    return false;
  }
}

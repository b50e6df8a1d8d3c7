#!/usr/bin/env bash
# Installs Chromium and its driver for the browser tests where one is missing (Debian and Ubuntu; elsewhere says what
# to do).
set -euo pipefail
if command -v chromium >/dev/null && command -v chromedriver >/dev/null; then exit 0; fi
if ! command -v apt-get >/dev/null; then
  echo "Chromium or chromedriver is not installed; the browser tests need both. Install it with your package manager." >&2
  exit 1
fi
as_root=""
if [ "$(id -u)" -ne 0 ]; then as_root="sudo"; fi
$as_root apt-get update -qq
DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -qq --no-install-recommends chromium chromium-driver fonts-dejavu-core >/dev/null
command -v chromium chromedriver

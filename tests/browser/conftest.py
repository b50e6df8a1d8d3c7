"""A headless Chromium of a given width; below 500 pixels it poses as a telephone."""

import shutil

import pytest
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service

FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip


@pytest.fixture
def browser(tmp_path):
    """``browser(width)`` opens a window; all are closed after the test."""
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    assert chromium and driver, "Chromium or its driver is missing; run tools/install_chromium.sh"
    opened = []

    def open_window(width):
        options = ChromeOptions()
        options.binary_location = chromium
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        for flag in (
            *FLAGS,
            f"--window-size={max(width, 500)},1600",
            f"--user-data-dir={tmp_path / str(width)}",
        ):
            options.add_argument(flag)
        if width < 500:
            metrics = {"width": width, "height": 844, "pixelRatio": 2.0}
            options.add_experimental_option("mobileEmulation", {"deviceMetrics": metrics})
        opened.append(Chrome(options=options, service=Service(driver)))
        return opened[-1]

    yield open_window
    for window in opened:
        window.quit()

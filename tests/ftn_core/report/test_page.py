import re
from html.parser import HTMLParser

import numpy as np

from ftn_core.report.contact_sheet import ContactSheet
from ftn_core.report.page import Section, dial, figure, page, smoothness_table


def whole(evaluations, sheets):
    sections = [
        Section("A & B", "Words < more.", figure("Caption", b"\x89PNG")),
        Section("Turn it", "", dial(sheets)),
        Section("Smoothness", "", smoothness_table(evaluations)),
    ]
    return page("Title", "Introduction.", sections)


def test_it_needs_nothing_else(evaluations, sheets):
    text = whole(evaluations, sheets)
    assert "http" not in text and "<link" not in text
    sources = re.findall(r'src="([^"]*)"', text)
    assert sources and all(source.startswith("data:image/") for source in sources)


def test_its_elements_are_closed_and_its_links_lead_somewhere(evaluations, sheets):
    class Checker(HTMLParser):
        def __init__(self):
            super().__init__()
            self.open, self.ids, self.links = [], set(), []

        def handle_starttag(self, tag, attributes):
            attributes = dict(attributes)
            self.ids.add(attributes.get("id"))
            if tag == "a":
                self.links.append(attributes["href"])
            if tag not in ("meta", "img", "input", "br"):
                self.open.append(tag)

        def handle_endtag(self, tag):
            if tag != "br":
                assert self.open.pop() == tag

    checker = Checker()
    checker.feed(whole(evaluations, sheets))
    assert checker.open == []
    assert len(checker.links) == 3 and all(link[1:] in checker.ids for link in checker.links)


def test_what_others_named_is_escaped(evaluations, sheets):
    text = whole(evaluations, sheets | {"</script>": sheets["ftn"]})
    assert "a&lt;b&gt;" in text and "A &amp; B" in text and "Words &lt; more." in text
    assert text.count("</script>") == 1


def test_a_strips_psnr_by_hand():
    clean = np.zeros((4, 4, 3), np.uint8)
    sheet = ContactSheet(clean, clean, np.stack([clean, clean + 51]), [0.0, 1.0])
    assert sheet.psnr()[1] == np.float64(-20 * np.log10(0.2))
    assert sheet.psnr()[0] > 100
    assert np.allclose(sheet.errors()[1], 0.2)

import html
import json
import re
from html.parser import HTMLParser

from ftn_core.report.page import ReportSection, dial, figure, make_page, smoothness_table


def shown(sheets):
    return dial(sheets, {n: [f"{p:g} <" for p in s.positions] for n, s in sheets.items()}, dict.fromkeys(sheets, 1))


def whole(evaluations, sheets):
    sections = [
        ReportSection("A & B", "Words < more.", figure("Caption", [b"<svg/>", b"<svg/>"])),
        ReportSection("Drag it", "", shown(sheets)),
        ReportSection("Smoothness", "", smoothness_table(evaluations)),
    ]
    return make_page("Title", "Introduction.", sections)


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


def test_the_dial_has_every_place_of_every_sheet_with_its_psnr(sheets):
    text = shown(sheets)
    data = json.loads(re.search(r"const sheets = (.*);", text)[1])
    assert data.keys() == sheets.keys()
    for name, sheet in sheets.items():
        assert data[name]["at"] == [f"{p:g} <" for p in sheet.positions] and data[name]["opening"] == 1
        assert data[name]["psnr"] == sheet.psnr()
        assert len(set(data[name]["src"])) == len(sheet.restored)
    assert [html.unescape(name) for name in re.findall("<option>(.*?)</option>", text)] == list(sheets)


def test_smoothness_has_a_row_for_each_method(evaluations):
    rows = re.findall("<tr><th>(.*?)</tr>", smoothness_table(evaluations))[1:]
    assert [re.split("<.*?>", row)[0] for row in rows] == ["ftn", "a&lt;b&gt;", "ftn-chain"]
    assert re.findall("<td>(.*?)</td>", rows[0]) == ["0.800", "2.50", "1.00", "0.990"]

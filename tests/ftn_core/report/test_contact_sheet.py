import numpy as np

from ftn_core.report.contact_sheet import ContactSheet

CLEAN = np.zeros((4, 4, 3), np.uint8)


def test_psnr_and_errors_by_hand():
    sheet = ContactSheet(CLEAN, CLEAN, np.stack([CLEAN, CLEAN + 51]), [0.0, 1.0])
    assert sheet.psnr()[1] == np.float64(-20 * np.log10(0.2))
    assert sheet.psnr()[0] > 100
    assert np.allclose(sheet.errors()[1], 0.2)


def test_it_is_read_as_the_evaluation_writes_it(tmp_path):
    np.savez(
        tmp_path / "ftn.npz", clean=CLEAN, degraded=CLEAN + 9, restored=np.stack([CLEAN, CLEAN + 1]),
        positions=np.array([0.0, 0.5]),
    )  # fmt: skip
    sheet = ContactSheet.read(tmp_path / "ftn.npz")
    assert sheet.positions == [0.0, 0.5] and sheet.degraded.max() == 9
    np.testing.assert_array_equal(sheet.restored[1], CLEAN + 1)

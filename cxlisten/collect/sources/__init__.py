"""The kinds of sources, one file each: a file here is a kind of its name, for `kind = "NAME"` in `[[source]]`.

It subclasses `cxlisten.collect.Source` (`check`, `estimate`, `fetch`, and an `Options` of its own for the keys that it
takes) and ends with `SOURCE = YourClass`. A fake of its platform, `tests/faults/platforms/NAME.py`, proves it:
`pytest tests/contracts/test_sources.py` finds both and says what is missing.
"""

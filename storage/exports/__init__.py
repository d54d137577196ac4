"""Dataset versions as files for other programs: seven formats, each in a folder that is whole.

What a format cannot hold is left out, counted by reason, and told.
"""

from storage.exports.formats import FORMATS, Format
from storage.exports.writing import About, Export, export_rows

__all__ = ["FORMATS", "About", "Export", "Format", "export_rows"]

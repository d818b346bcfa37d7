"""What goes on in a study beside the page: files being added, and images being segmented. No Streamlit in here."""

import logging
import threading
from dataclasses import dataclass, field

from bccseg.errors import BccsegError
from bccseg.io.archive import Entry, count_files, expand
from bccseg.studies.process import Segmenting
from bccseg.studies.records import AddReport
from bccseg.studies.sorting import Sorting
from bccseg.studies.study import Study

log = logging.getLogger("bccseg")


@dataclass(eq=False)
class Adding:
    """Files on their way into a study. It goes on when the page is left; the page reads the fields."""

    study: Study
    files: list[Entry]
    sorting: Sorting
    by: str = ""
    sample: str = ""  # of all of them, where names say nothing
    total: int = 0
    done: int = 0
    error: str = ""
    report: AddReport = field(default_factory=AddReport)
    finished: threading.Event = field(default_factory=threading.Event)

    def start(self) -> "Adding":
        """Begin in the background; what was added is segmented."""
        self.total = sum(count_files(file.data) for file in self.files)
        threading.Thread(target=self._run, name="bccseg-add", daemon=True).start()
        return self

    def _run(self) -> None:
        work = Segmenting(self.study)
        try:
            for file in self.files:
                for inner in expand(file.name, file.data):
                    self.study.images.add_file(inner, file.name, self.sorting, self.by, self.report)
                    self.done += 1
                    if self.report.added and self.done % 10 == 1 and not work.stopped:
                        work.start()  # while others still come
            if self.report.added:
                if self.sample:
                    self.study.images.put_into_sample(self.report.added, self.sample)
                if not work.stopped:
                    work.start()
        except BccsegError as error:
            self.error = str(error)
        except Exception:
            log.exception("files could not be added to a study")
            self.error = "Something went wrong inside bccseg; the server's log says what. Add the files again."
        finally:
            self.files = []  # their bytes are on the disk
            self.finished.set()

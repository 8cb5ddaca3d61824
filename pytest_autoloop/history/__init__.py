"""What is remembered of a campaign: git commits, the journal and results.tsv.

One experiment is written in this order, and no other. What a kill leaves behind each step, and how
the campaign is mended when it is taken up again (`recovery.reopen`), stands behind it:

1. The answer, ``.pytest_autoloop/<tag>/answers/<number>.json``, as soon as it is there.
   *Killed after it*: the answer is paid for and pending. It is judged again, under its number.
   What it costs holds what came to no experiment before it (``unbilled.json``), and says so by the
   name of that bill: *killed before the bill is cleared*, that is made up for.
2. The candidate's commit and the ref ``refs/autoloop/<tag>/<number>`` that keeps it, *before* the
   candidate runs. Whatever the run does, the text that was tried can be recovered, and no
   collection of garbage takes it away.
   *Killed after it, or anywhere in the judging*: the answer is judged again; its ref, which the
   journal does not know, is the only one that may be moved, from exactly the commit that was found
   there. Without an answer the ref stays, and its number is never given again. The ``.lock`` of a
   ref that git was killed with is removed, of these refs and of the branch.
3. Its line in ``experiments.jsonl``, flushed to the disk. The journal is the source of truth: an
   experiment has happened when its line is complete. The objects and the ref were flushed before
   (``core.fsync``), so that a line never names what a power cut took away. A power cut within
   step 2 can leave objects that nothing leads to without those that they name: git's own
   collection of garbage drops them.
   *Killed in it*: the torn end of the file is put aside as ``torn-<time>``; the answer is judged
   again. *Killed after it*: nothing is judged again, steps 4 to 7 are made up for.
4. The branch ``autoexp/<tag>`` is moved, when the candidate is kept, from the last keep before it.
   Had it moved before the line was written, nobody could say why it did.
   *Killed before it*: a branch at an earlier keep of the journal is moved to the last one. One
   that stands anywhere else was moved by somebody, who is asked to put it back.
5. Its row in ``results.tsv``, the view for people and for pandas.
   *Killed before it, or in it*: the table is written again from what the journal says.
6. Its entry in ``chronicle.sqlite``, by which experiments are found.
   *Killed before it*: it catches up with the lines of the journal that it lacks. It is made anew
   when it is missing, damaged, of another format or does not fit.
7. The answer is dropped.
   *Killed before it*: an answer whose experiment is in the journal is dropped when it is found.

A session that is killed between two steps therefore loses nothing that was answered or finished.

Before all of it the campaign is held by its lock, a new one before its baseline is measured. A
file that is replaced is written beside its place first (``.autoloop-<process>-*.tmp``), and what
git needs for a moment lies in the system's temporary directory
(``pytest-autoloop-*-<process>-*``): the next session removes what a dead process left of either.

Objects, refs and diffs are asked of git processes that stay (`plumbing`): they end with the ledger,
or when the session does, since their input ends with it. One that dies is started anew; where none
can answer, a command of its own does.

The modules are imported one by one (``from pytest_autoloop.history.journal import Journal``).
Importing any of them does not import git; the first command does.
"""

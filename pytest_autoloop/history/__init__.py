"""What is remembered of a campaign: git commits, the journal and results.tsv.

One experiment is written in this order, and no other:

1. The candidate's commit, and the ref ``refs/autoloop/<tag>/<number>`` that keeps it, *before* the
   candidate runs. Whatever the run does, the text that was tried can be recovered, and no
   collection of garbage takes it away.
2. Its line in ``.pytest_autoloop/<tag>/experiments.jsonl``, flushed to the disk. The journal is the
   source of truth: an experiment has happened when its line is complete.
3. The branch ``autoexp/<tag>`` is advanced, when the candidate is kept. A session that was killed
   before this step leaves a kept experiment in the journal whose commit the branch lacks; its ref
   still has it. Had the branch moved first, nobody could say why it did.
4. Its row in ``results.tsv``, the view for people and for pandas. It can be written again from the
   journal at any time, so it comes last and its loss costs nothing.

A session that is killed between two steps therefore loses nothing that was finished: the journal
tells what happened up to its last line, and every candidate has its ref.

The modules are imported one by one (``from pytest_autoloop.history.journal import Journal``).
Importing any of them does not import git; the first command does.
"""

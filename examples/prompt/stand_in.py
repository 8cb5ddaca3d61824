"""A stand-in for a model: a server on the loopback address that reads a prompt and sorts by it.

It is no language model. It reads the prompt's Markdown, does what stands there and nothing else:

- `- label: words` describes a label. A message gets the label whose words it has most of; a word
  that describes several labels counts for each a part.
- `If several fit: a > b > c` decides between labels that the message has words of.
- `"message" -> label` is an example, and decides for the same message.
- Without an order to answer with the label alone it answers in a sentence.
"""

import json
import re
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_LABEL = re.compile(r"[-*] *\W{0,3}(\w+)\W{0,3}:\s*(.+)")
_EXAMPLE = re.compile(r'\W*"(.+)"\s*->\s*(\w+)')
_WORD = re.compile(r"[a-z]+")
_ENDINGS = ("ing", "ed", "es", "s")
_EMPTY = """
    a about an and are as at be been by can do does for from get have how i if in is it my not of on
    or our that the there this to was we what when who will with you your
"""


def stems(text):
    """Return what is left of a text's words without their endings, each once."""
    found = set()
    for word in _WORD.findall(text.lower()):
        if word in _EMPTY.split():
            continue
        fitting = (one for one in _ENDINGS if word.endswith(one) and len(word) > len(one) + 2)
        found.add(word[: len(word) - len(next(fitting, ""))])
    return found


def answer(prompt, message):
    """Return what the stand-in answers to a message under a prompt."""
    label = _label(prompt, message)
    alone = any(
        re.search(r"\b(only|alone|nothing else)\b", line, re.IGNORECASE)
        and re.search(r"\b(answer|reply)\b", line, re.IGNORECASE)
        for line in prompt.splitlines()
    )
    return label if alone else f"I would say that this is about {label}."


def _label(prompt, message):
    described, order = {}, []
    for line in prompt.splitlines():
        example = _EXAMPLE.fullmatch(line.strip())
        if example and stems(example[1]) == stems(message):
            return example[2]
        label = _LABEL.match(line.strip())
        if label:
            described.setdefault(label[1], {*stems(label[1])}).update(stems(label[2]))
        if ">" in line and "several" in line.lower():
            order = [part.strip(" .`*") for part in line.partition(":")[2].split(">")]
    if not described:
        return "nothing"
    shared = Counter(stem for known in described.values() for stem in known)
    said = stems(message)
    score = {
        label: sum(1 / shared[stem] for stem in known & said) for label, known in described.items()
    }
    fitting = [label for label in order if score.get(label, 0) >= 1]
    if fitting:
        return fitting[0]
    if not any(score.values()):
        return list(described)[-1]
    return max(score, key=lambda label: score[label])


class _Handler(BaseHTTPRequestHandler):
    """Answers `POST …/chat/completions` as servers of OpenAI's protocol do."""

    protocol_version = "HTTP/1.1"
    # Else an answer waits for the client's acknowledgement of its head.
    wbufsize = -1
    disable_nagle_algorithm = True

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        by_role = {message["role"]: message["content"] for message in asked["messages"]}
        text = answer(by_role.get("system", ""), by_role["user"])
        choice = {"message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
        body = json.dumps({"choices": [choice]}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Say nothing on standard error."""


def start():
    """Start the server; return its address, and a function that ends it."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()

    def stop():
        server.shutdown()
        thread.join()
        server.server_close()

    return f"http://127.0.0.1:{server.server_port}/v1", stop

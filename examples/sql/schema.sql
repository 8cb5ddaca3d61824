CREATE TABLE countries (
    code TEXT PRIMARY KEY,
    label TEXT NOT NULL
);

CREATE TABLE customers (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    country TEXT,
    joined DATE
);

-- Guests have no customer, an order that nobody paid has no amount.
CREATE TABLE orders (
    id INTEGER PRIMARY KEY,
    customer_id INTEGER,
    placed DATE NOT NULL,
    cents INTEGER
);

CREATE TABLE blocked (
    customer_id INTEGER,
    reason TEXT
);

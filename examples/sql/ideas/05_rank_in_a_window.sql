-- What each customer who is not blocked has ordered, best customers first.
SELECT
    customers.id,
    customers.name,
    countries.label,

    -- What was ordered.
    (SELECT COUNT(*) FROM orders WHERE orders.customer_id = customers.id) AS orders,
    (SELECT SUM(cents) FROM orders WHERE orders.customer_id = customers.id) AS cents,
    (SELECT MAX(placed) FROM orders WHERE orders.customer_id = customers.id) AS latest,

    -- Place among the customers of a country, by the day they joined.
    RANK() OVER (PARTITION BY country ORDER BY joined) AS place

FROM customers

-- A country may be unknown.
LEFT JOIN countries ON countries.code = customers.country

-- Who is left out.
WHERE customers.id NOT IN (
    SELECT customer_id FROM blocked WHERE customer_id IS NOT NULL
)

-- The id decides between equal sums.
ORDER BY cents DESC NULLS LAST, customers.id

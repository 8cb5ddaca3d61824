-- What each customer who is not blocked has ordered, best customers first.
SELECT
    customers.id,
    customers.name,
    countries.label,

    -- What was ordered.
    sums.orders,
    sums.cents,
    sums.latest,

    -- Place among the customers of a country, by the day they joined.
    (
        SELECT COUNT(*) + 1 FROM customers AS earlier
        WHERE earlier.country = customers.country AND earlier.joined < customers.joined
    ) AS place

FROM customers
JOIN (
    SELECT customer_id, COUNT(*) AS orders, SUM(cents) AS cents, MAX(placed) AS latest
    FROM orders GROUP BY customer_id
) AS sums ON sums.customer_id = customers.id

-- A country may be unknown.
LEFT JOIN countries ON countries.code = customers.country

-- Who is left out.
WHERE customers.id NOT IN (
    SELECT customer_id FROM blocked WHERE customer_id IS NOT NULL
)

-- The id decides between equal sums.
ORDER BY cents DESC NULLS LAST, customers.id

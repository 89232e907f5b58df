"""The gateway: who may ask, what they asked, and what the exchange looks like from outside.

Why it exists: clients speak HTTP, JSON and decimal strings; the core speaks packed integers in a
log. Everything between the two that needs no socket stands here: authentication, limits, the
mapping of orders, the market-data fold, the WebSocket sessions. It must not know how replication
works, how the ledger stores its tables, or which web server carries its bytes.
"""

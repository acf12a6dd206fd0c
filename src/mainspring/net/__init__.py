"""asyncio's transports and servers: what runs per packet is compiled, per connection Python."""

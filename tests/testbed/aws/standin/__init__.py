"""A stand-in for AWS on loopback: what Auto Scaling and EC2 really do, with moto behind it for the rest."""

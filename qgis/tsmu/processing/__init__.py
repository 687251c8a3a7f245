"""The Processing algorithms: what each asks for is declared, and one base class runs them all."""

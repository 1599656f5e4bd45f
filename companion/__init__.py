"""What only this book needs: its chapters, its ledger of claims, its costs and its build."""

"""The store on MongoDB: ``mongodb://host/database``."""

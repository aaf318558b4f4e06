class LimpetDriver: pass

// LabTraffic
